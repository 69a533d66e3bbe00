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
        (lambda: Inpainting(np.full((4, 4, 1), 255)), "from 255 to 255"),
    ],
)
def test_refuses_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_mask_says_how_much_it_knows():
    mask = np.zeros((16, 16, 1))
    mask[:, :4] = 1
    assert str(Inpainting(mask)) == "Inpainting that knows 25% of the pixels"


def test_a_mask_that_knows_little_is_doubted():
    """It may be scikit-image's, with 1 for what is missing."""
    mask = np.zeros((16, 16, 1))
    mask[8, 8] = 1
    with pytest.warns(UserWarning, match=r"knows 0.391% of .*; 1 means known, 0 miss"):
        Inpainting(mask)


def test_what_a_mask_hides_has_no_influence():
    mask = np.float32([[0, 0.5], [1, 0]])[..., None]
    image = np.full((1, 2, 2, 1), np.nan, np.float32)
    image[0, 0, 1], image[0, 1, 0] = 3, 4
    for apply in (Inpainting(mask).forward, Inpainting(mask).adjoint):
        np.testing.assert_array_equal(np.ravel(apply(image)), [0, 1.5, 4, 0])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
def test_masks_of_any_dtype(dtype):
    mask = np.array([[0, 1], [1, 0]], dtype)[..., None]
    observed = Inpainting(mask).forward(np.full((1, 2, 2, 1), 0.5, np.float32))
    np.testing.assert_array_equal(np.ravel(observed), [0, 0.5, 0.5, 0])


def test_inpainting_starts_from_the_nearest_known_pixels():
    mask = np.ones((4, 5, 1), np.float32)
    mask[1:, 1:4] = 0
    image = normal((2, 4, 5, 3))
    observation = np.where(mask, image, np.nan)
    start = np.asarray(Inpainting(mask).initial_estimate(observation))
    expected = image.copy()
    expected[:, 1:, 1], expected[:, 1:, 3] = image[:, 1:, 0], image[:, 1:, 4]
    expected[:, 1, 2] = image[:, 0, 2]
    # As near to the left as to the right is the last column's middle.
    kept = np.ones((4, 5), bool)
    kept[2:, 2] = kept[1, [1, 3]] = False
    np.testing.assert_array_equal(start[:, kept], expected[:, kept])


def test_each_image_and_channel_starts_from_its_own_mask():
    masks = np.ones((2, 3, 4, 2), np.float32)
    masks[0, 1:, :, 0] = masks[0, :, 1:, 1] = 0
    masks[1, ..., 0] = 0.5
    masks[1, 1:, :, 1] = 0
    clean = normal((2, 3, 4, 2))
    model = Inpainting(masks)
    start = np.asarray(model.initial_estimate(model.forward(clean)))
    expected = clean.copy()
    expected[0, ..., 0], expected[1, ..., 1] = clean[0, :1, :, 0], clean[1, :1, :, 1]
    expected[0, ..., 1] = clean[0, :, :1, 1]
    np.testing.assert_allclose(start, expected, rtol=1e-6)


def test_what_is_known_little_is_no_start():
    mask = np.full((2, 2, 1), 0.01, np.float32)
    mask[0, 0] = 1
    start = Inpainting(mask).initial_estimate(normal((1, 2, 2, 1)))
    assert len(np.unique(start)) == 1


def test_a_channel_of_which_nothing_is_known_starts_from_0():
    mask = np.ones((2, 2, 2), np.float32)
    mask[..., 1] = 0
    start = np.asarray(Inpainting(mask).initial_estimate(normal((1, 2, 2, 2))))
    assert start[..., 0].all()
    assert not start[..., 1].any()


def test_where_little_is_known_the_start_is_the_adjoint():
    model, observation = Inpainting.random((16, 16), 0.2), normal((1, 16, 16, 1))
    assert model.starts_from_adjoint
    np.testing.assert_array_equal(
        model.initial_estimate(observation), model.adjoint(observation)
    )


def test_a_part_keeps_norm_and_start_of_the_whole():
    mask = np.full((8, 8, 1), 0.5)
    mask[:2] = 0
    mask[7, 7] = 1
    part = Inpainting(mask).part(slice(0, 4), slice(2, 8))
    np.testing.assert_array_equal(part.mask, mask[None, :4, 2:])
    assert (part.norm, part.starts_from_adjoint) == (1, False)
