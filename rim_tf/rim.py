"""The recurrent inference machine: the loop of equations 6 and 7 over a cell."""

import functools
from collections.abc import Callable, Iterator
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from rim_tf import arguments, exporting, links
from rim_tf.cells import RIMCell, constant_weights
from rim_tf.forward_models import Denoising, ForwardModel, scaling
from rim_tf.likelihood import LogLikelihood, likelihood_gradient

PAPER_NUM_STEPS = 20
_INITIAL_EPSILON = 0.01


class Cell(Protocol):
    """The network h_phi of equations 6 and 7: what a RIM's cell must have.

    This is the protocol of Keras RNN cells, extended to images. An attribute
    `channels` says what images the cell takes, if it is not any. A cell with
    `stride` and `reach`, see `rim_tf.cells.RIMCell`, restores large images in windows.
    One whose attribute `sees_sigma` is true gets a channel for sigma, see there.
    """

    def __call__(self, inputs, states: list) -> tuple[Any, list]:
        """Makes one step.

        Args:
          inputs: eta and the likelihood gradient side by side, `(batch, height,
            width, 2 * channels)`; perhaps a channel for sigma between them.
          states: A list of tensors.

        Returns:
          The update of eta, `(batch, height, width, channels)`, and the new states.
        """

    def get_initial_state(self, batch_size: int, height: int, width: int) -> list:
        """Returns the first `states` for images of `height` x `width` pixels."""


@keras.saving.register_keras_serializable(package="rim_tf")
class RIM(keras.Model):
    """Recurrent inference machine (equations 6 to 9).

    From an observation y, its noise level sigma and the forward model A it makes
    the estimates x_1 ... x_T:

        eta_0 = Psi^-1(A^T y)
        eta_{t+1}, s_{t+1} = eta_t + h_phi(gradient_t, eta_t, s_t)
        x_t = Psi(eta_t)

    with the link function Psi, the cell h_phi, and the gradient of equation 9,
    whose epsilon = softplus(phi_epsilon) is trained with the cell. Any number of
    steps, any image size and any forward model may be used after training.

    Under the policy "mixed_bfloat16" the cell computes in bfloat16; eta, the
    estimates and the likelihood gradient stay in float32.

    Args:
      cell: The update network h_phi; the default is the paper's, `RIMCell()`.
      link: Psi: "sigmoid" for estimates between 0 and 1, or "identity", or a
        `rim_tf.links.Link` of your own.
      gradient: "x" gives the cell the gradient with respect to the image, as
        equation 9 is written; "eta" multiplies it by Psi'(eta).
      num_steps: T, the default number of steps.
      normalize: Whether `rim_tf.restore` divides A, y and sigma by the norm of A, so
        that the scale of A does not matter. Not for a network that was trained with
        operators of another norm.
      fills_pixels: Whether the iteration begins where a forward model has filled what
        it does not measure, as `Inpainting` and `Subsampling` do. Not for a network
        that has learnt to begin at A^T y there.
      **kwargs: Arguments of `keras.Model`.

    Raises:
      ValueError: If `link`, `gradient` or `num_steps` is not one of the above.

    Example:

        rim = rim_tf.RIM()
        estimates = rim(observation, sigma=25 / 255)  # (T, batch, ...)
        # Keras trains it: sigma is (number,), the loss that of equation 8.
        rim.compile("adam", "mse")
        rim.fit((noisy, sigma), clean, batch_size=16)
        rim.save("mine.keras")
    """

    def __init__(
        self,
        cell: Cell | None = None,
        link: str | links.Link = "sigmoid",
        gradient: str = "x",
        num_steps: int = PAPER_NUM_STEPS,
        normalize: bool = True,
        fills_pixels: bool = True,
        **kwargs: Any,
    ):
        # Without this Keras would cast the observation to the compute dtype.
        super().__init__(autocast=False, **kwargs)
        if gradient not in ("x", "eta"):
            raise ValueError(f"gradient must be 'x' or 'eta', not {gradient!r}.")
        _check_num_steps(num_steps)
        self.cell = RIMCell(dtype=self.dtype_policy) if cell is None else cell
        self.link = links.get(link)
        self.gradient = gradient
        self.num_steps = num_steps
        self.normalize = normalize
        self.fills_pixels = fills_pixels

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        """Creates the variables, which depend on no image size."""
        if isinstance(self.cell, keras.Layer) and not self.cell.built:
            self.cell.build(None)
        self.phi_epsilon = self.add_weight(
            name="phi_epsilon",
            shape=(),
            autocast=False,
            # The inverse of softplus.
            initializer=keras.initializers.Constant(np.log(np.expm1(_INITIAL_EPSILON))),
        )

    @property
    def epsilon(self):
        """Epsilon of equation 9, a positive float32 scalar."""
        return ops.softplus(ops.convert_to_tensor(self.phi_epsilon))

    def initial_estimate(
        self, observation, forward_model: ForwardModel | LogLikelihood
    ):
        """Returns where the iteration begins: the forward model's start, or A^T y.

        The latter where that start has filled pixels, and the network has not learnt to
        begin so.

        Args:
          observation: y, as `prepare` returns it, with A.
          forward_model: The operator A.

        Returns:
          `(batch, height, width, channels)` float32.
        """
        is_filled = getattr(forward_model, "fills_pixels", False)
        if is_filled and not self.fills_pixels:
            return ops.cast(forward_model.adjoint(observation), "float32")
        return ops.cast(forward_model.initial_estimate(observation), "float32")

    def initial_eta(self, observation, forward_model: ForwardModel | LogLikelihood):
        """Returns eta_0 = Psi^-1 of the initial estimate.

        Raises:
          ValueError: If that is not an image that the cell takes.
        """
        eta = self.link.inverse(self.initial_estimate(observation, forward_model))
        channels = getattr(self.cell, "channels", eta.shape[-1])
        if len(eta.shape) != 4 or eta.shape[-1] != channels:
            raise ValueError(
                f"The model restores images (batch, height, width, {channels}), "
                f"this observation gives {tuple(eta.shape)}."
            )
        return eta

    def initial_state(self, eta) -> list:
        """Returns the cell's first list of states, for images of the shape of `eta`."""
        batch_size, height, width = ops.shape(eta)[:3]
        return self.cell.get_initial_state(batch_size, height, width)

    def likelihood_gradient(
        self, eta, observation, sigma, forward_model: ForwardModel | LogLikelihood
    ):
        """Returns the gradient of equation 9 at eta, or of one's own likelihood.

        Args:
          eta: `(batch, height, width, channels)` float32.
          observation: y, float32, of the shape that `forward_model.forward` returns.
          sigma: Noise level in the unit of y, `(batch,)` float32.
          forward_model: The operator A.

        Returns:
          A tensor of the shape of `eta`, float32.
        """
        estimate = self.link.forward(eta)
        if isinstance(forward_model, LogLikelihood):
            gradient = forward_model.gradient(estimate, observation, sigma)
        else:
            gradient = likelihood_gradient(
                estimate, observation, sigma, forward_model, self.epsilon
            )
        if self.gradient == "eta":
            gradient = gradient * self.link.derivative(eta)
        return gradient

    def evidence(
        self, eta, observation, sigma, forward_model: ForwardModel | LogLikelihood
    ):
        """Returns what the cell sees beside eta: the gradient of equation 9.

        Before it stands a channel for sigma, if the cell sees that.

        Args:
          eta: See `likelihood_gradient`, as the others.
          observation: y.
          sigma: Noise level.
          forward_model: The operator A.

        Returns:
          `(batch, height, width, channels)` or one channel more, float32.
        """
        gradient = self.likelihood_gradient(eta, observation, sigma, forward_model)
        if not getattr(self.cell, "sees_sigma", False):
            return gradient
        # From 0 to about 1 for the noise levels of the paper.
        sigma = ops.cast(sigma, gradient.dtype)
        level = ops.reshape(ops.log(1 + 255 * sigma) / 4, (-1, 1, 1, 1))
        channel = level * ops.ones_like(gradient[..., :1])
        return ops.concatenate([channel, gradient], axis=-1)

    def update(self, eta, evidence, states: list) -> tuple[Any, list]:
        """Makes one step of equations 6 and 7.

        Args:
          eta: `(batch, height, width, channels)` float32.
          evidence: The likelihood gradient, of the shape of `eta`, or what `evidence`
            returns.
          states: The cell's list of states.

        Returns:
          The next eta and states.
        """
        inputs = ops.concatenate([eta, evidence], axis=-1)
        update, states = self.cell(inputs, states)
        return eta + ops.cast(update, "float32"), states

    def iterate(
        self,
        observation,
        sigma,
        forward_model: ForwardModel | LogLikelihood,
        num_steps: int,
        update: Callable | None = None,
    ) -> Iterator:
        """Yields the estimates x_1 ... x_T one by one, keeping none of them.

        Args:
          observation: See `call`, as the next three.
          sigma: Of the shape `(batch,)`.
          forward_model: The operator A.
          num_steps: T.
          update: What makes a step, a compiled `self.update`; itself if None.

        Raises:
          ValueError: If `num_steps` is less than 1.
        """
        _check_num_steps(num_steps)
        update = update or self.update
        eta = self.initial_eta(observation, forward_model)
        states = self.initial_state(eta)
        for _ in range(num_steps):
            evidence = self.evidence(eta, observation, sigma, forward_model)
            eta, states = update(eta, evidence, states)
            yield self.link.forward(eta)

    def prepare(
        self,
        observation,
        sigma=None,
        forward_model: ForwardModel | LogLikelihood | None = None,
        normalize: bool = False,
    ) -> tuple[Any, Any, ForwardModel | LogLikelihood]:
        """Returns y, sigma and A as `iterate` takes them; see `call`.

        Args:
          observation: See `call`, as the next two.
          sigma: A scalar, `(batch,)`, or None.
          forward_model: The operator A, or None.
          normalize: Whether to divide all three by the norm of A.

        Raises:
          TypeError: If the forward model is none.
          ValueError: If y is not of floats, nor counts of a `LogLikelihood`; A^T y is
            not finite, sigma is missing for denoising, negative or of another shape;
            with the link "sigmoid" also if y or sigma are not on the scale of A, see
            `scaling.check_scale`.
        """
        forward_model = Denoising() if forward_model is None else forward_model
        if not isinstance(forward_model, ForwardModel | LogLikelihood):
            raise TypeError(
                "forward_model must be an object of a class of ForwardModel, such as "
                f"rim_tf.Denoising(), or a LogLikelihood, got {forward_model!r}."
            )
        if sigma is None and isinstance(forward_model, Denoising):
            raise ValueError(
                "Denoising needs sigma, the standard deviation of the noise where "
                "pixels lie between 0 and 1, such as 25 / 255; or 0, said aloud."
            )
        if isinstance(forward_model, LogLikelihood):
            observation = arguments.counts_to_floats(observation)
        taker = "A RIM restores observations"
        observation = ops.cast(arguments.check_floats(observation, taker), "float32")
        sigma = arguments.noise_levels(0.0 if sigma is None else sigma, observation)
        if isinstance(forward_model, LogLikelihood):
            arguments.check_finite(observation, "The observation y")
            return observation, sigma, forward_model
        image = scaling.finite_adjoint(forward_model, observation)
        if image is None:
            return observation, sigma, forward_model
        if self.fills_pixels:
            scaling.check_start(forward_model, observation, image)
        norm = scaling.norm(forward_model, image)
        if self.link.name == "sigmoid":
            scaling.check_scale(forward_model, image, sigma, norm)
        if not normalize or norm in (0, 1):
            return observation, sigma, forward_model
        return observation / norm, sigma / norm, (1 / norm) * forward_model

    def call(
        self,
        observation,
        sigma=None,
        forward_model: ForwardModel | LogLikelihood | None = None,
        num_steps: int | None = None,
    ):
        """Returns the estimates after every step.

        To restore one large image use `rim_tf.restore`, which keeps the last
        estimate only.

        Args:
          observation: y, float32; for denoising `(batch, height, width, channels)`
            on the scale where pixels lie between 0 and 1. Keras' `fit` and `evaluate`
            give the pair of y and sigma.
          sigma: Standard deviation of the noise in the unit of y: a scalar or
            `(batch,)`. Denoising needs it; else 0 if None.
          forward_model: The operator A; `Denoising()` if None. Or a `LogLikelihood`.
          num_steps: T; the model's own if None.

        Returns:
          `(num_steps, batch, height, width, channels)` float32.

        Raises:
          TypeError: See `prepare`.
          ValueError: See `prepare`.
        """
        if isinstance(observation, list | tuple):
            observation, sigma = observation
        prepared = self.prepare(observation, sigma, forward_model)
        num_steps = self.num_steps if num_steps is None else num_steps
        with constant_weights():
            return ops.stack(list(self.iterate(*prepared, num_steps)))

    # What Keras' `fit((y, sigma), clean)` and `evaluate` make of the estimates.

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ) -> Any:
        """Returns the mean over all steps of the loss given to `compile`.

        With "mse" that is equation 8.
        """
        loss_of = functools.partial(
            super().compute_loss, x, y, sample_weight=sample_weight, training=training
        )
        num_steps = y_pred.shape[0]
        return sum(loss_of(y_pred[t]) for t in range(num_steps)) / num_steps

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict[str, Any]:
        """Returns the metrics of the last estimate."""
        return super().compute_metrics(x, y, y_pred[-1], sample_weight)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Refuses: Keras would join batches along the axis of time."""
        raise NotImplementedError(
            "Use rim_tf.restore, which returns the last estimate."
        )

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature=None,
        forward_model: ForwardModel | None = None,
        num_steps: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes a graph that restores images without this package.

        It takes y and sigma, `(batch,)`, and returns x_T as `rim_tf.restore` does, but
        checks nothing. It computes in float32. The SavedModel of `rim_denoise` is
        10.0 MB and equals `restore` to 5e-7; a LiteRT file of `rim_super_resolution` is
        2.8 MB and equals it to 2e-6 (TensorFlow 2.21, pixels 0 to 1).

        Args:
          filepath: A folder; for LiteRT a file that ends in ".tflite".
          format: "tf_saved_model", or "litert" (TensorFlow Lite). Keras knows others,
            which were not tried here.
          verbose: See `keras.Model.export`.
          input_signature: Two `keras.InputSpec`, of y and sigma. If None, those of any
            number and size of images.
          forward_model: The operator A, which the graph contains; `Denoising()` if
            None. For super-resolution `BicubicDownsampling(factor)`.
          num_steps: T; the model's own if None.
          **kwargs: See `keras.Model.export`.

        Raises:
          RuntimeError: If the backend is not TensorFlow.
          TypeError: If the forward model is none.
          ValueError: If the path ends as it should not, or the norm of A, which
            `normalize` wants, is not known.

        Example:

            model.export("denoiser")
            denoiser = tf.saved_model.load("denoiser")
            restored = denoiser.serve(noisy, [25 / 255])
        """
        as_in_keras = filepath, format, verbose, input_signature
        exporting.export(self, *as_in_keras, forward_model, num_steps, **kwargs)

    def save(self, filepath: str | Path, *args: Any, **kwargs: Any) -> None:
        """Saves the model as a `.keras` file; see `keras.Model.save`."""
        exporting.check_suffix(filepath)
        super().save(filepath, *args, **kwargs)

    def with_dtype(self, dtype: str) -> "RIM":
        """Returns a RIM of the same architecture, built, that computes in `dtype`.

        Its weights are others.
        """
        cell = type(self.cell).from_config({**self.cell.get_config(), "dtype": dtype})
        rim = RIM(
            *(cell, self.link, self.gradient, self.num_steps),
            normalize=self.normalize,
            fills_pixels=self.fills_pixels,
            dtype=dtype,
        )
        rim.build()
        return rim

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "link": self.link.name,
            "gradient": self.gradient,
            "num_steps": self.num_steps,
            "normalize": self.normalize,
            "fills_pixels": self.fills_pixels,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RIM":
        cell = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**{**config, "cell": cell})


def _check_num_steps(num_steps: int) -> None:
    if not isinstance(num_steps, Integral) or num_steps < 1:
        raise ValueError(
            f"num_steps must be an integer of 1 or more, not {num_steps!r}."
        )
