"""Tests of the training patches."""

import keras
import numpy as np
import pytest

from rim_tf.training.patches import PatchSet


def _numbered_images():
    """Two images of different shapes whose pixels tell where they are."""
    first = np.arange(12 * 16).reshape(12, 16, 1)
    second = 192 + np.arange(10 * 6).reshape(10, 6, 1)
    return [first.astype("uint8"), second.astype("uint8")]


def test_patches_are_cut_where_they_should_be():
    image_a, image_b = _numbered_images()
    patches = PatchSet([image_a, image_b], size=6, stride=4)
    # Rows 0, 4 and columns 0, 4, 8 of the first image; rows 0, 4 of the second.
    expected = [
        image[row : row + 6, column : column + 6]
        for image, columns in ((image_a, (0, 4, 8)), (image_b, (0,)))
        for row in (0, 4)
        for column in columns
    ]
    assert len(patches) == 8
    np.testing.assert_array_equal(patches.to_numpy(), np.float32(expected) / 255)


def test_number_of_patches_in_images_of_the_papers_size():
    images = [np.zeros((321, 481, 1), np.uint8), np.zeros((481, 321, 1), np.uint8)]
    assert len(PatchSet(images)) == 2 * 1_649_800 / 200


def test_sample_is_seeded_and_without_repetition():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 40, 1), dtype=np.uint8)]
    sample = PatchSet(images, 8, 1, 50, seed=1).to_numpy()
    np.testing.assert_array_equal(sample, PatchSet(images, 8, 1, 50, seed=1).to_numpy())
    assert len(np.unique(sample, axis=0)) == 50
    assert not np.array_equal(sample, PatchSet(images, 8, 1, 50, seed=2).to_numpy())


@pytest.mark.parametrize("size", [16, 100])
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(size):
    images = list(np.random.default_rng(0).integers(0, 256, (3, size, size, 1)))
    larger, smaller = (
        PatchSet([np.uint8(im) for im in images], 8, 4, number, seed=0)
        for number in (1000, 10)
    )
    assert len(larger) == min(1000, 3 * ((size - 8) // 4 + 1) ** 2)
    np.testing.assert_array_equal(larger.to_numpy()[:10], smaller.to_numpy())
    # From all images, not from the first.
    assert set(smaller.images_of(np.arange(len(smaller)))) == {0, 1, 2}


def test_order_visits_every_patch_once_an_epoch_and_mixes_images():
    images = [np.full((20, 20, 1), value, np.uint8) for value in range(10)]
    patches = PatchSet(images, 8, 2)
    order = patches.order(epochs=2, seed=3)
    first, second = order.reshape(2, -1)
    assert sorted(first) == sorted(second) == list(range(len(patches)))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(order, patches.order(epochs=2, seed=3))
    batch = next(patches.batches(order, 32))
    assert len(np.unique(batch)) >= 8


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data only")
@pytest.mark.parametrize("channels", [1, 3])
def test_tf_data_equals_numpy(channels):
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (*size, channels), dtype=np.uint8)
        for size in ((30, 20), (21, 33))
    ]
    patches = PatchSet(images, 8, 3)
    order = patches.order(1, 0)
    from_numpy = list(patches.batches(order, 7))
    from_tensorflow = list(patches.dataset(order, 7).as_numpy_iterator())
    assert len(from_numpy) == len(from_tensorflow) == len(patches) // 7
    for expected, actual in zip(from_numpy, from_tensorflow, strict=True):
        assert actual.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(actual, expected)


def test_feeds_a_training_with_the_batches():
    images = [np.random.default_rng(0).integers(0, 256, (30, 20, 1), dtype=np.uint8)]
    patches = PatchSet(images, 8, 3)
    order = patches.order(1, 0)
    expected = list(patches.batches(order, 7))
    fed = [keras.tree.flatten(batch)[0] for batch in patches.feed(order, 7)]
    assert len(fed) == len(expected) > 1
    for batch, wanted in zip(fed, expected, strict=True):
        np.testing.assert_array_equal(batch, wanted)


def test_refuses_images_that_do_not_fit():
    with pytest.raises(ValueError, match="as large as 32 x 32"):
        PatchSet([np.zeros((31, 100, 1), np.uint8)])
    with pytest.raises(ValueError, match="number of channels"):
        PatchSet([np.zeros((40, 40, 1), np.uint8), np.zeros((40, 40, 3), np.uint8)])


def test_images_smaller_than_a_patch_are_passed_over():
    images = [np.zeros((31, 100, 1), np.uint8), np.zeros((36, 32, 1), np.uint8)]
    assert len(PatchSet(images)) == 2


def test_says_of_which_image_patches_are():
    images = [np.full((12 + 4 * n, 20, 1), n, np.uint8) for n in range(4)]
    patch_set = PatchSet(images, size=8, stride=4, num_patches=20, seed=0)
    numbers = np.arange(20)[::-1]
    expected = np.rint(255 * patch_set.gather(numbers)[:, 0, 0, 0])
    np.testing.assert_array_equal(patch_set.images_of(numbers), expected)
    assert len(set(expected)) == 4


@pytest.mark.parametrize(
    "image",
    [
        np.full((20, 20, 1), 0.5),
        np.full((20, 20, 1), 500, np.uint16),
        np.full((20, 20), 128, np.uint8),
    ],
)
def test_refuses_other_arrays(image):
    message = rf"\(height, width, channels\) of uint8, .* got {image.dtype} of shape"
    with pytest.raises(ValueError, match=message):
        PatchSet([image], 16, 8)


@pytest.mark.parametrize(("size", "stride"), [(16, 0), (0, 8), (16, -1)])
def test_refuses_no_size_and_no_stride(size, stride):
    with pytest.raises(ValueError, match=f"1 or more, got {size} and {stride}"):
        PatchSet([np.zeros((20, 20, 1), np.uint8)], size, stride)
