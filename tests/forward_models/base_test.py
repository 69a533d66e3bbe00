"""Tests of compositions, and of a forward model that a user writes."""

import numpy as np
import pytest

from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    ForwardModel,
    FourierProjection,
    Inpainting,
    RandomProjection,
    check_adjoint,
)
from tests.forward_models.cases import kernel, normal


def test_users_model_needs_two_methods_only():
    class Halving(ForwardModel):
        def forward(self, image):
            return 0.5 * image

        def adjoint(self, observation):
            return 0.5 * observation

    assert check_adjoint(Halving(), (2, 4, 4, 1)) < 1e-6
    assert check_adjoint(Blur(kernel(3, 3)) @ Halving(), (2, 4, 4, 1)) < 1e-5


def test_composition_applies_one_after_the_other():
    blur, mask = Blur(kernel(3, 3)), Inpainting(kernel(6, 5, 1))
    image = normal((2, 6, 5, 1))
    expected = blur.forward(mask.forward(image))
    np.testing.assert_array_equal((blur @ mask).forward(image), expected)
    expected = mask.adjoint(blur.adjoint(image))
    np.testing.assert_array_equal((blur @ mask).adjoint(image), expected)


def test_composition_starts_from_its_parts_estimates():
    """Not from the adjoint, which a sum over 9 pixels would make darker."""
    blur = Blur(np.full((3, 3), 1 / 9, np.float32))
    model = BicubicDownsampling(3) @ blur
    start = model.initial_estimate(model.forward(np.full((1, 12, 9, 1), 0.6)))
    np.testing.assert_allclose(start, 0.6, atol=1e-3)


@pytest.mark.parametrize("factor", [7, 0.1])
def test_composition_starts_from_the_adjoint_where_a_part_has_any_scale(factor):
    """A start of the other part's would not be on the scale of images."""
    parts = BicubicDownsampling(3), factor * Denoising()
    image = normal((1, 4, 3, 1))
    for model in (parts[0] @ parts[1], parts[0] @ (parts[1] @ Denoising())):
        start = model.initial_estimate(image)
        np.testing.assert_allclose(start, model.adjoint(image), rtol=1e-6)
        assert model.starts_from_adjoint
    start = (parts[0] @ Denoising()).initial_estimate(image)
    np.testing.assert_array_equal(start, parts[0].initial_estimate(image))


def test_composition_refuses_the_batches_that_its_parts_refuse():
    for_three = Inpainting(np.ones((3, 8, 8, 1), np.float32))
    for_all = Inpainting(np.ones((8, 8, 1), np.float32))
    for model in (for_three @ for_all, for_all @ for_three):
        for method in (model.forward, model.adjoint):
            with pytest.raises(ValueError, match="operators for 3 images, got 2"):
                method(normal((2, 8, 8, 1)))
    image = normal((2, 8, 8, 1))
    np.testing.assert_array_equal((for_all @ for_all).forward(image), image)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: FourierProjection.random((8, 8), 1) @ Inpainting.random((8, 9), 1),
            r"\(batch, 8, 9, any\).*\(batch, 8, 8, any\)",
        ),
        (
            lambda: Blur(np.ones((3, 3))) @ RandomProjection.gaussian(4, 1),
            r"\(batch, 16, any\).*\(batch, any, any, any\)",
        ),
    ],
)
def test_refuses_parts_that_do_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_composes_with_forward_models_only():
    with pytest.raises(TypeError, match="unsupported operand"):
        Blur(np.ones((3, 3))) @ "a mask"


@pytest.mark.parametrize("factor", [2, -0.5, np.float32(3), np.float64(0.1)])
def test_a_number_times_a_model(factor):
    model = factor * Blur(kernel(3, 3))
    image = normal((1, 6, 5, 1))
    expected = factor * np.asarray(model.model.forward(image))
    np.testing.assert_allclose(model.forward(image), expected, rtol=1e-6)
    assert check_adjoint(model, (2, 6, 5, 1)) < 1e-5
    assert str(model) == f"{factor:.4g} * Blur"


def test_factors_multiply_norms_and_starts_that_are_adjoints():
    assert (2 * Inpainting(np.ones((4, 4, 1)))).norm == 2
    assert (0.5 * (-4 * FourierProjection.random((4, 4), 0.5))).norm == 2
    assert (2 * Blur(kernel(3, 3), "symmetric")).norm is None
    image = normal((1, 6, 6, 1))
    blur = 3 * (2 * Blur(kernel(3, 3)))
    np.testing.assert_allclose(
        blur.initial_estimate(image), blur.adjoint(image), rtol=1e-6
    )
    np.testing.assert_allclose(
        (3 * (2 * BicubicDownsampling(2))).initial_estimate(6 * image),
        BicubicDownsampling(2).initial_estimate(image),
        rtol=1e-5,
    )


@pytest.mark.parametrize("factor", [0, float("nan"), float("inf")])
def test_factors_are_finite_and_not_0(factor):
    with pytest.raises(ValueError, match="factor must be finite and not 0"):
        factor * Blur(kernel(3, 3))
