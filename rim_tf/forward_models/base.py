"""What a forward model is, and two of them one after the other."""

import abc
from numbers import Real
from typing import Any

from rim_tf import arguments
from rim_tf.arguments import Shape


class ForwardModel(abc.ABC):
    """A linear operator A from images to observations (equation 1).

    It is applied to each image of a batch alone. A subclass may set the attributes
    to what it takes and returns: `check_adjoint` compares them with the shapes that
    it sees, and `@` refuses models that do not fit.

    Attributes:
      image_shape: Shape of x without the batch, `(height, width, channels)`. None
        stands for any number.
      observation_shape: Shape of y without the batch, of any rank.
      norm: The largest singular value of A, or what takes its place for the scale
        of observations; None if it is not known.
      fills_pixels: Whether the initial estimate has values where A measures none. A
        RIM whose own `fills_pixels` is false begins at A^T y then.
    """

    image_shape: Shape = (None, None, None)
    observation_shape: Shape = (None, None, None)
    norm: float | None = None
    fills_pixels: bool = False

    def __str__(self) -> str:
        return type(self).__name__

    @abc.abstractmethod
    def forward(self, image):
        """Returns A x.

        Args:
          image: x, `(batch, height, width, channels)`, usually float32 in [0, 1].
        """

    @abc.abstractmethod
    def adjoint(self, observation):
        """Returns A^T y, of the image's shape, for y of the observation's shape."""

    def initial_estimate(self, observation):
        """Returns the image from which a RIM starts: A^T y, unless overridden.

        Where A^T y is zero at many pixels, an interpolation of y is the better start;
        then `fills_pixels` is to be true.
        """
        return self.adjoint(observation)

    def __matmul__(self, first: "ForwardModel") -> "ForwardModel":
        """Returns the composition that applies `first` first."""
        if not isinstance(first, ForwardModel):
            return NotImplemented
        return Composition(self, first)

    def __rmul__(self, factor: float) -> "ForwardModel":
        """Returns the model that multiplies observations by a number."""
        return Scaled(self, factor) if isinstance(factor, Real) else NotImplemented

    @property
    def starts_from_adjoint(self) -> bool:
        """Whether any RIM starts from A^T y, which has the scale of A squared."""
        return type(self).initial_estimate is ForwardModel.initial_estimate

    def _image(self, image, operators: Any = None):
        return self._checked(image, self.image_shape, "images x", operators)

    def _observation(self, observation, operators: Any = None):
        return self._checked(
            observation, self.observation_shape, "observations y", operators
        )

    def _checked(self, values, shape: Shape, what: str, operators: Any):
        """Returns a tensor of values whose dtype and shape are right.

        Args:
          values: x or y.
          shape: Their shape without the batch.
          what: What they are.
          operators: A tensor with an operator, such as a mask, for each image of the
            batch, or with one for all; None if there is no such thing.
        """
        name = type(self).__name__
        taker = f"{name} takes {what}"
        values = arguments.check_floats(values, taker)
        actual = tuple(values.shape)
        if not arguments.fits(actual, (None, *shape)):
            wanted = arguments.describe(("batch", *shape))
            raise ValueError(f"{taker} of shape {wanted}, got {actual}.")
        number = 1 if operators is None else operators.shape[0]
        if number != 1 and not arguments.fits(actual[:1], (number,)):
            raise ValueError(
                f"{name} has operators for {number} images, got {actual[0]}."
            )
        return values


class Composition(ForwardModel):
    """A = A2 A1.

    Args:
      second: A2.
      first: A1, whose observations are the images of A2.

    Raises:
      ValueError: If the stated shapes of the two contradict each other.
    """

    def __init__(self, second: ForwardModel, first: ForwardModel):
        if not arguments.fits(first.observation_shape, second.image_shape):
            raise ValueError(
                f"{type(first).__name__} returns observations of shape "
                f"{arguments.describe(('batch', *first.observation_shape))}, but "
                f"{type(second).__name__} takes images of shape "
                f"{arguments.describe(('batch', *second.image_shape))}."
            )
        self.second, self.first = second, first
        self.image_shape = first.image_shape
        self.observation_shape = second.observation_shape

    def forward(self, image):
        return self.second.forward(self.first.forward(image))

    def adjoint(self, observation):
        return self.first.adjoint(self.second.adjoint(observation))

    @property
    def fills_pixels(self) -> bool:
        return self.first.fills_pixels or self.second.fills_pixels

    def initial_estimate(self, observation):
        if self.starts_from_adjoint:
            return self.adjoint(observation)
        return self.first.initial_estimate(self.second.initial_estimate(observation))

    @property
    def starts_from_adjoint(self) -> bool:
        """As `ForwardModel`; also where a part's A^T y may have any scale.

        The other part would take that for an image.
        """
        adjoints = [p for p in (self.first, self.second) if p.starts_from_adjoint]
        return len(adjoints) == 2 or not all(map(_is_of_norm_1, adjoints))


def _is_of_norm_1(model: ForwardModel) -> bool:
    # Up to the rounding of float32.
    return model.norm is not None and abs(model.norm - 1) < 1e-5


class Scaled(ForwardModel):
    """c A, with y and sigma in units of c; also written `c * A`.

    Args:
      model: A.
      factor: c, any number but 0.

    Raises:
      ValueError: If the factor is 0 or not finite.
    """

    def __init__(self, model: ForwardModel, factor: float):
        if not 0 < abs(factor) < float("inf"):
            raise ValueError(f"factor must be finite and not 0, got {factor}.")
        self.model, self.factor = model, float(factor)
        self.image_shape = model.image_shape
        self.observation_shape = model.observation_shape

    @property
    def fills_pixels(self) -> bool:
        return self.model.fills_pixels

    @property
    def norm(self) -> float | None:
        known = self.model.norm
        return None if known is None else abs(self.factor) * known

    def __str__(self) -> str:
        return f"{self.factor:.4g} * {self.model}"

    def forward(self, image):
        return self.factor * self.model.forward(image)

    def adjoint(self, observation):
        return self.factor * self.model.adjoint(observation)

    def initial_estimate(self, observation):
        if self.starts_from_adjoint:
            return self.adjoint(observation)
        return self.model.initial_estimate(observation / self.factor)

    @property
    def starts_from_adjoint(self) -> bool:
        return self.model.starts_from_adjoint
