"""Forward models y = A x + n (equation 1), without the noise.

Those here are linear; each knows its adjoint exactly:

    <A x, y> = <x, A^T y>

Write your own by subclassing `ForwardModel` with `forward` and `adjoint`, or give
only a linear function to `LinearFunction`. `A2 @ A1` first applies `A1`, `c * A` is A
times a number. Check yours
with `check_adjoint`.

All are made of `keras.ops`: they run eagerly, in compiled functions and inside
`tf.data.map`, and can be differentiated. Those with a mask take one for all images,
or one per image of the batch.
"""

from rim_tf.forward_models.base import Composition, ForwardModel, Scaled
from rim_tf.forward_models.blur import Blur
from rim_tf.forward_models.checking import check_adjoint
from rim_tf.forward_models.downsampling import BicubicDownsampling
from rim_tf.forward_models.filtered import FilteredProjection
from rim_tf.forward_models.linear_function import LinearFunction
from rim_tf.forward_models.pixels import Denoising, Inpainting
from rim_tf.forward_models.projections import FourierProjection, RandomProjection
from rim_tf.forward_models.sampling import Mosaic, Subsampling

__all__ = [
    "BicubicDownsampling",
    "Blur",
    "Composition",
    "Denoising",
    "FilteredProjection",
    "ForwardModel",
    "FourierProjection",
    "Inpainting",
    "LinearFunction",
    "Mosaic",
    "RandomProjection",
    "Scaled",
    "Subsampling",
    "check_adjoint",
]
