"""Tests of denoising and inpainting."""

import numpy as np
import pytest

from rim_tf.forward_models import Denoising, Inpainting
from tests.forward_models.cases import normal


def test_denoising_is_the_identity():
    image = normal((2, 4, 5, 3))
    np.testing.assert_array_equal(Denoising().forward(image), image)
    np.testing.assert_array_equal(Denoising().adjoint(image), image)


def test_inpainting_keeps_what_the_mask_knows():
    known = np.float32([[1, 0], [0, 1]])[..., None]
    image = normal((2, 2, 2, 3))
    measured = np.asarray(Inpainting(known).forward(image))
    np.testing.assert_array_equal(measured[:, [0, 1], [0, 1]], image[:, [0, 1], [0, 1]])
    assert not measured[:, [0, 1], [1, 0]].any()


def test_random_mask_is_seeded_and_of_its_fraction():
    masks = [
        np.asarray(Inpainting.random((64, 64), 0.3, seed).mask) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()
    assert set(np.unique(masks[0])) == {0, 1}
    # 4096 pixels give a fraction to 0.7%; four times that.
    assert masks[0].mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Inpainting.random((4, 4), 1.5), "fraction"),
        (lambda: Inpainting.random((4, 4, 1), 0.5), "shape must be"),
        (lambda: Inpainting(np.ones(4)), "mask"),
    ],
)
def test_refuses_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
