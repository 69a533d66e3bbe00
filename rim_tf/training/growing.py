"""Growing a network: new inputs, which at first change nothing."""

import keras
import numpy as np

from rim_tf.rim import RIM


def with_sigma(rim: RIM) -> RIM:
    """Returns a copy of a RIM whose cell sees sigma; see `rim_tf.cells.RIMCell`.

    The kernel of the new input is 0. So until the copy is trained, its estimates are
    the same up to rounding, which may add up products in another order.

    Args:
      rim: A built RIM with a cell of `rim_tf.cells` that does not see sigma.

    Raises:
      ValueError: If the cell is another.
    """
    if getattr(rim.cell, "sees_sigma", None) is not False:
        raise ValueError(
            f"The cell {type(rim.cell).__name__} sees sigma, or has no such option."
        )
    config = rim.get_config()
    config["cell"]["config"]["sees_sigma"] = True
    grown = RIM.from_config(config)
    grown.build()
    for old, new in zip(rim.weights, grown.weights, strict=True):
        value = keras.ops.convert_to_numpy(old)
        if old is rim.cell.encode.kernel:
            # Before the channels of the gradient, which are the last.
            value = np.insert(value, -rim.cell.channels, 0, axis=2)
        new.assign(value)
    return grown
