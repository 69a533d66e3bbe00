"""Training on several devices, each with its share of every batch.

Under TensorFlow `tf.distribute.MirroredStrategy` does it, under JAX
`keras.distribution.DataParallel`. The result is that of one device with the same
batches, up to rounding: the gradient of the whole batch is clipped, and every patch
meets the same noise.

Under JAX the devices may be those of several machines, see `machines`;
`tf.distribute.MultiWorkerMirroredStrategy` does not work with Keras 3.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from rim_tf.problems import Measurement, Problem
from rim_tf.speed import precision
from rim_tf.training import machines


class DeviceError(Exception):
    """The devices cannot be used as asked for; the message says why."""


@contextlib.contextmanager
def data_parallel(num_devices: int) -> Iterator[None]:
    """What is built and trained inside is on that many devices.

    With one device of one process nothing changes. Where there is no GPU, logical
    devices of the CPU count, of which there is one unless `split_cpu` makes more.

    Args:
      num_devices: How many of the backend's devices to use, in each process.

    Raises:
      ValueError: If `num_devices` is less than 1.
      DeviceError: If there are fewer devices, or processes have not as many.
    """
    if num_devices < 1:
        raise ValueError(f"num_devices must be at least 1, not {num_devices}.")
    if num_devices == machines.num_processes() == 1:
        yield
        return
    names = _names(num_devices)
    if keras.backend.backend() == "jax":
        earlier = keras.distribution.distribution()
        keras.distribution.set_distribution(
            # Each process reads its part of a batch itself.
            keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        )
        try:
            yield
        finally:
            keras.distribution.set_distribution(earlier)
        return
    import tensorflow as tf

    with tf.distribute.MirroredStrategy(names).scope():
        yield


def _names(num_devices: int) -> list[str]:
    """Returns that many devices of each process."""
    groups = machines.by_process(keras.distribution.list_devices())
    if len(set(map(len, groups))) > 1:
        raise DeviceError(
            f"the processes have {', '.join(str(len(each)) for each in groups)} "
            "devices; show each as many, by CUDA_VISIBLE_DEVICES."
        )
    if num_devices > len(groups[0]):
        raise DeviceError(
            f"{num_devices} devices are asked for, there are {len(groups[0])}: "
            f"{', '.join(groups[0])}."
        )
    return [name for each in groups for name in each[:num_devices]]


def split_cpu(number: int) -> None:
    """Makes logical devices of the CPU, to try a training on several devices.

    To be called before the backend does anything. Where there is a GPU the devices
    that count are GPUs, as before.

    Args:
      number: How many.

    Raises:
      RuntimeError: If the backend has started already.
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


def default_batch_size() -> int:
    """Returns how many patches a training batch has if nobody says."""
    return 64 if precision.has_gpu() else 16


def speed_up(num_devices: int) -> int:
    """Returns how many times as fast that many devices are; those of a CPU share it."""
    return machines.num_processes() * (num_devices if precision.has_gpu() else 1)


def num_replicas() -> int:
    """Returns among how many devices TensorFlow divides a batch; 1 under JAX.

    JAX programs are written for the whole batch, and XLA divides it.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def check_batch_size(batch_size: int) -> None:
    """Sees whether the devices in use can share a batch.

    Raises:
      DeviceError: If they cannot.
    """
    distribution = keras.distribution.distribution()
    number = distribution.device_mesh.devices.size if distribution else num_replicas()
    if batch_size % number:
        raise DeviceError(
            f"a batch of {batch_size} patches cannot be divided among {number} "
            "devices; choose another batch size."
        )


def draw_share(
    problem: Problem, clean, seed: keras.random.SeedGenerator
) -> Measurement:
    """Draws what one device would draw for the whole batch, and keeps this one's share.

    Args:
      problem: What is drawn. On several devices its forward model has no tensors of
        single images, such as a mask for each, or a method `map_operators`, which
        applies a function to these.
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

    forward_model = whole.forward_model
    if hasattr(forward_model, "map_operators"):
        forward_model = forward_model.map_operators(mine)
    return Measurement(mine(whole.observation), mine(whole.sigma), forward_model)


@keras.saving.register_keras_serializable(package="rim_tf")
class ClippedAdam(keras.optimizers.Adam):
    """Adam for several TensorFlow devices: it clips the gradient of the whole batch.

    Keras would clip that of each device's share.

    Args:
      learning_rate: A number or a schedule.
      clip_norm: Bound on the norm of the gradient of the whole batch; 0 for none.
      **kwargs: Arguments of `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate: Any, clip_norm: float, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.clip_norm = clip_norm

    def apply(self, grads: Sequence, trainable_variables: Sequence | None = None):
        """Makes an update."""
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        grads = context.all_reduce(tf.distribute.ReduceOp.SUM, list(grads))
        if self.clip_norm:
            grads, _ = tf.clip_by_global_norm(grads, self.clip_norm)
        # The superclass adds up those of all devices, once more.
        grads = [gradient / context.num_replicas_in_sync for gradient in grads]
        return super().apply(grads, trainable_variables)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "clip_norm": self.clip_norm}
