"""Training on several devices, each with its share of every batch.

Under TensorFlow `tf.distribute.MirroredStrategy` does it, under JAX
`keras.distribution.DataParallel`. The result is that of one device with the same
batches: the gradient of the whole batch is clipped, and every patch meets the same
noise.

For several machines (not tried yet) call `rim_tf.training.train` from a program of
your own that every machine starts. Under TensorFlow build and train inside the scope
of a `tf.distribute.MultiWorkerMirroredStrategy()` in place of `data_parallel`, with
each machine's `TF_CONFIG`; under JAX call `keras.distribution.initialize()` before
`data_parallel`, which then finds the devices of all machines. Give each machine an
output folder of its own.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from rim_tf.problems import Measurement, Problem


class DeviceError(Exception):
    """There are fewer devices than asked for; the message says how many."""


@contextlib.contextmanager
def data_parallel(num_devices: int) -> Iterator[None]:
    """What is built and trained inside is on that many devices.

    With one device nothing changes. Where there is no GPU, logical devices of the
    CPU count, of which there is one unless `split_cpu` makes more.

    Args:
      num_devices: How many of the backend's devices to use.

    Raises:
      DeviceError: If there are fewer devices.
    """
    if num_devices == 1:
        yield
        return
    names = keras.distribution.list_devices()
    if num_devices > len(names):
        raise DeviceError(
            f"{num_devices} are asked for, there is only {', '.join(names)}."
        )
    names = names[:num_devices]
    if keras.backend.backend() == "jax":
        earlier = keras.distribution.distribution()
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=names)
        )
        try:
            yield
        finally:
            keras.distribution.set_distribution(earlier)
        return
    import tensorflow as tf

    with tf.distribute.MirroredStrategy(names).scope():
        yield


def split_cpu(number: int) -> None:
    """Makes logical devices of the CPU, to try a training on several devices.

    To be called before the backend does anything. Does nothing where there is a GPU.

    Args:
      number: How many.
    """
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_num_cpu_devices", number)
        return
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * number
    )


def num_replicas() -> int:
    """Returns among how many devices TensorFlow divides a batch; 1 under JAX.

    JAX programs are written for the whole batch, and XLA divides it.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def draw_share(
    problem: Problem, clean, seed: keras.random.SeedGenerator
) -> Measurement:
    """Draws what one device would draw for the whole batch, and keeps this one's share.

    Args:
      problem: What is drawn. Its forward model is kept whole, so several devices
        want one that is the same for all images of a batch.
      clean: This device's images, `(share, height, width, channels)`.
      seed: Where random numbers come from.
    """
    if num_replicas() == 1:
        return problem.draw(clean, seed)
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    number, share = context.num_replicas_in_sync, clean.shape[0]
    gathered = context.all_gather(clean, axis=0)
    gathered.set_shape((number * share, *clean.shape[1:]))
    whole = problem.draw(gathered, seed)

    def mine(batch):
        shares = ops.reshape(batch, (number, share, *batch.shape[1:]))
        return shares[context.replica_id_in_sync_group]

    return Measurement(mine(whole.observation), mine(whole.sigma), whole.forward_model)


class ClippedAdam(keras.optimizers.Adam):
    """Adam that clips the gradient of the whole batch.

    Keras would clip that of each device's share.

    Args:
      learning_rate: A number or a schedule.
      global_clipnorm: Bound on the norm of the gradient of the whole batch.
    """

    def __init__(self, learning_rate: Any, global_clipnorm: float):
        super().__init__(learning_rate)
        self.clip_norm = global_clipnorm

    def apply(self, grads: Sequence, trainable_variables: Sequence | None = None):
        """Makes an update."""
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        grads = context.all_reduce(tf.distribute.ReduceOp.SUM, list(grads))
        grads, _ = tf.clip_by_global_norm(grads, self.clip_norm)
        # The superclass adds up those of all devices.
        grads = [gradient / context.num_replicas_in_sync for gradient in grads]
        return super().apply(grads, trainable_variables)
