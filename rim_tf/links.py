"""Link functions Psi between the iterate eta and the image x = Psi(eta) (section 2)."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

# Keeps eta_0 finite where an observation touches or leaves the range [0, 1].
_MARGIN = 0.01


class Link(NamedTuple):
    """A differentiable link function.

    Attributes:
      name: The name by which `get` finds it.
      forward: Psi, from eta to the image.
      inverse: Psi^-1, from the image to eta.
      derivative: Psi'(eta).
    """

    name: str
    forward: Callable
    inverse: Callable
    derivative: Callable


def _logit(image):
    image = ops.clip(image, _MARGIN, 1.0 - _MARGIN)
    return ops.log(image) - ops.log1p(-image)


def _same(values):
    return ops.convert_to_tensor(values)


def _sigmoid_derivative(eta):
    image = ops.sigmoid(eta)
    return image * (1.0 - image)


_LINKS = {
    link.name: link
    for link in (
        Link("sigmoid", ops.sigmoid, _logit, _sigmoid_derivative),
        Link("identity", _same, _same, ops.ones_like),
    )
}


def get(name: str) -> Link:
    """Returns the link function called `name`: "sigmoid" or "identity".

    Raises:
      ValueError: If there is no such link function.
    """
    if name not in _LINKS:
        raise ValueError(f"link must be one of {sorted(_LINKS)}, not {name!r}.")
    return _LINKS[name]
