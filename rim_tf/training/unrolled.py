"""A RIM unrolled over its steps, as it is trained (section 3)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rim_tf import losses
from rim_tf.problems import Problem
from rim_tf.rim import RIM
from rim_tf.training import devices


class UnrolledRIM(keras.Model):
    """A RIM with the problem that it is trained on: clean images in, estimates out.

    Args:
      rim: The model to train.
      problem: What is drawn for every batch.
      seed: Seed of what is drawn.
      loss: A name that `rim_tf.losses.get` knows.
    """

    def __init__(self, rim: RIM, problem: Problem, seed: int, loss: str = "mse"):
        super().__init__(dtype="float32")
        self.rim = rim
        self.problem = problem
        self.noise_seed = keras.random.SeedGenerator(seed)
        self.num_steps = rim.num_steps
        self.loss_of_estimates = losses.get(loss)
        self.seconds = 0.0
        if not rim.built:
            rim.build()
        self.built = True

    def call(self, clean):
        """Measures clean images and returns the RIM's estimates of them."""
        measurement = devices.draw_share(self.problem, clean, self.noise_seed)
        return self.rim(
            measurement.observation,
            sigma=measurement.sigma,
            forward_model=measurement.forward_model,
            num_steps=self.num_steps,
        )

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ) -> Any:
        """Returns the loss over all steps, equation 8.

        On several devices that is this one's part of it: Keras adds them up.
        """
        return self.loss_of_estimates(y_pred, x) / devices.num_replicas()

    # A checkpoint knows the position in the sequence of random numbers, and for how
    # long the training ran.

    def save_own_variables(self, store) -> None:
        super().save_own_variables(store)
        store["noise_seed"] = ops.convert_to_numpy(self.noise_seed.state)
        store["seconds"] = np.float64(self.seconds)

    def load_own_variables(self, store) -> None:
        self.noise_seed.state.assign(np.asarray(store["noise_seed"]))
        self.seconds = float(np.asarray(store["seconds"]))
