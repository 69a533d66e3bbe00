"""Tests of the scale of observations, whatever a forward model multiplies by."""

import numpy as np
import pytest

from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    FilteredProjection,
    ForwardModel,
    FourierProjection,
    Inpainting,
    RandomProjection,
    scaling,
)
from tests.forward_models.cases import MODELS, normal

_SIZE = (1, 48, 36, 1)


class Gain(ForwardModel):
    """A user's own operator, whose norm nobody states."""

    def __init__(self, gain):
        self.gain = gain

    def forward(self, image):
        return self.gain * image

    def adjoint(self, observation):
        return self.gain * observation


def _image(shape=_SIZE):
    return np.random.default_rng(3).uniform(size=shape).astype("float32")


def _check(model, observation, sigma=0.0):
    image = scaling.finite_adjoint(model, observation)
    s = scaling.norm(model, image)
    scaling.check_scale(model, image, np.float32([sigma]), s)


_OPERATORS = {
    "denoising": Denoising(),
    "inpainting": Inpainting.random(_SIZE[1:3], 0.5),
    "blur": Blur(np.full((5, 5), 1 / 25)),
    "mirrored blur": Blur(np.full((3, 9), 1 / 27), "symmetric"),
    "bicubic 2": BicubicDownsampling(2),
    "bicubic 3": BicubicDownsampling(3),
    "fourier": FourierProjection.random(_SIZE[1:3], 0.4),
    "composition": BicubicDownsampling(2) @ Blur(np.full((3, 3), 1 / 9)),
    "gain 10": Gain(10.0),
    "gain 0.1": Gain(0.1),
    "scaled blur": Gain(7.0) @ Blur(np.full((5, 5), 1 / 25)),
}


@pytest.mark.parametrize("name", _OPERATORS)
def test_the_right_scale_passes_and_255_times_it_is_refused(name, recwarn):
    model = _OPERATORS[name]
    observation = np.asarray(model.forward(_image()))
    _check(model, observation)
    assert not recwarn
    with pytest.raises(ValueError, match=r"got \d+(\.\d)? for a pixel \(.*divide by"):
        _check(model, 255 * observation)


@pytest.mark.parametrize("kind", ["gaussian", "binary"])
def test_scale_of_random_projections(kind):
    model = getattr(RandomProjection, kind)(32, 0.4)
    observation = np.asarray(model.forward(_image((2, 32, 32, 1))))
    _check(model, observation, 0.1)
    with pytest.raises(ValueError, match="RandomProjection"):
        _check(model, 255 * observation, 0.1)


def test_a_large_fourier_projection_passes():
    """Its first coefficient is 392 times the mean of the image."""
    model = FourierProjection.random((320, 480), 1.0)
    observation = np.asarray(model.forward(_image((1, 320, 480, 1))))
    assert observation.max() > 150
    _check(model, observation, 25 / 255)


@pytest.mark.parametrize("name", ["blur", "bicubic 3", "gain 10", "gain 0.1"])
def test_sigma_is_judged_in_units_of_the_norm(name, recwarn):
    model = _OPERATORS[name]
    observation = np.asarray(model.forward(_image()))
    s = scaling.norm(model, _image())
    _check(model, observation, 55 / 255 * s)
    assert not recwarn
    with pytest.warns(UserWarning, match=r"sigma is 12\d/255 .* up to 55/255"):
        _check(model, observation, 0.5 * s)
    with pytest.raises(ValueError, match=r"got 1\.1\d* for sigma"):
        _check(model, observation, 1.1 * s)


def test_black_images_and_masks_that_know_nothing_pass():
    _check(Blur(np.ones((3, 3)) / 9), np.zeros(_SIZE, np.float32), 0.1)
    with pytest.warns(UserWarning, match="knows 0%"):
        nothing = Inpainting(np.zeros(_SIZE[1:]))
    _check(nothing, np.zeros(_SIZE, np.float32), 0.1)


@pytest.mark.parametrize("name", MODELS)
def test_norm_is_the_largest_singular_value(name):
    """As the singular value decomposition of the whole matrix has it."""
    model, shape = MODELS[name]()
    shape = (1 if "per image" not in name else 2, *shape[1:])
    found = scaling.norm(model, normal(shape))
    if isinstance(model, RandomProjection):
        assert found == 1
        return
    one = np.prod(shape[1:])
    basis = np.eye(one, dtype="float32").reshape(one, *shape[1:])
    if isinstance(model, FilteredProjection):
        model = model.map_operators(lambda operators: operators[:1])
    elif "per image" in name:
        model.mask = model.mask[:1]
    if "per image" in name:
        basis = basis[:: max(1, one // 20)]
    matrix = np.asarray(model.forward(basis)).reshape(len(basis), -1)
    largest = np.linalg.norm(matrix, 2)
    if "per image" in name or isinstance(model, FilteredProjection):
        assert found >= largest * (1 - 1e-5)
    else:
        assert found == pytest.approx(largest, rel=0.02)


def test_an_image_that_hides_the_norm_is_no_trap():
    """Its own singular value is 1; another image has 9."""
    kernel = np.zeros((3, 3))
    kernel[1] = [-4, 1, 4]  # Of what is constant it makes 1 times that.
    model = Blur(kernel)
    assert scaling.norm(model, np.ones((1, 64, 64, 1))) == pytest.approx(
        np.hypot(1, 8), rel=0.02
    )


def test_what_was_found_is_kept_while_it_holds():
    model, image = Gain(3.0), _image()
    assert scaling.norm(model, image) == pytest.approx(3)
    calls = []
    model.forward = lambda image: calls.append(1) or model.gain * image
    assert scaling.norm(model, image) == pytest.approx(3)
    assert len(calls) == 1
    model.gain = 2.0
    assert scaling.norm(model, image) == pytest.approx(2)


def test_nan_that_shows_is_named_with_its_place():
    observation = _image()
    observation[0, 5, 7, 0] = np.nan
    with pytest.raises(ValueError, match=r"y must be finite, got nan at \(0, 5, 7, 0"):
        scaling.finite_adjoint(Denoising(), observation)
    mask = np.ones(_SIZE[1:])
    mask[5, 7] = 0
    hidden = scaling.finite_adjoint(Inpainting(mask), observation)
    np.testing.assert_array_equal(hidden, np.nan_to_num(observation, nan=0.0))


def test_an_operator_that_makes_nan_is_named():
    with pytest.raises(ValueError, match=r"Gain makes of finite y an A\^T y that is"):
        scaling.finite_adjoint(Gain(np.inf), _image() + 1)


class _Rows(ForwardModel):
    """A user's own operator: every other row, and no word on where to start."""

    def forward(self, image):
        return image[:, ::2]

    def adjoint(self, observation):
        rows = np.asarray(observation)
        return np.stack([rows, np.zeros_like(rows)], 2).reshape(1, -1, *rows.shape[2:])


class _RowsTwice(_Rows):
    """The same, which starts from each row twice."""

    def initial_estimate(self, observation):
        return np.repeat(observation, 2, axis=1)


def _check_start(model, observation):
    image = scaling.finite_adjoint(model, observation)
    scaling.check_start(model, observation, image)


def test_a_start_that_is_mostly_zero_is_doubted(recwarn):
    rows = _image()[:, ::2]
    _check_start(_RowsTwice(), rows)
    # Black images are no fault of the operator.
    _check_start(Blur(np.ones((3, 3)) / 9), np.zeros(_SIZE, np.float32))
    _check_start(Denoising(), np.zeros(_SIZE, np.float32))
    assert not recwarn
    for observation in (rows, 0 * rows):
        with pytest.warns(UserWarning, match=r"A\^T y of _Rows, which is zero at 50%"):
            _check_start(_Rows(), observation)
