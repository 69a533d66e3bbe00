"""Tests of the bicubic kernel, with MATLAB's own images as the oracle."""

import math
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from rim_tf import bicubic, images


@pytest.fixture(name="matlab_images")
def _matlab_images(bsds300_images):
    """Yields factor, cropped original, and MATLAB's low-resolution image."""
    folder = bsds300_images.parents[1] / "SelfExSR_BSD100_LR"
    if not folder.is_dir():
        pytest.skip("MATLAB's low-resolution images are not in ../shared/data")
    # They are numbered in the order of the names.
    paths = sorted((bsds300_images / "test").glob("*.jpg"), key=lambda path: path.stem)

    def read():
        for number, path in enumerate(paths, 1):
            original = images.read_image(path)
            for factor in (2, 3, 4):
                name = f"img_{number:03d}_SRF_{factor}_LR.png"
                yield factor, _crop(original, factor), _read(folder, factor, name)

    return read


def _read(folder: Path, factor: int, name: str):
    return images.read_image(folder / f"x{factor}" / name)


def _crop(image, factor):
    height, width = (size - size % factor for size in image.shape[:2])
    return image[:height, :width]


def test_reproduces_matlabs_300_images(matlab_images):
    differing = number = 0
    for factor, original, expected in matlab_images():
        size = (original.shape[0] // factor, original.shape[1] // factor)
        small = bicubic.imresize_uint8(original, size)
        differing += np.count_nonzero(small != expected)
        number += 1
    assert (number, differing) == (300, 0)


def test_upsampling_gives_the_published_quality(matlab_images):
    """PSNR and SSIM of the luminance, as published with SelfExSR."""
    from skimage import metrics

    quality = {2: [], 3: [], 4: []}
    for factor, original, small in matlab_images():
        clean = images.to_luminance(original)[factor:-factor, factor:-factor, 0]
        large = bicubic.imresize_uint8(small, original.shape[:2])
        large = images.to_luminance(large)[factor:-factor, factor:-factor, 0]
        error = np.mean((clean.astype(float) - large) ** 2)
        _, ssim = metrics.structural_similarity(
            clean,
            large,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        quality[factor].append((10 * np.log10(255**2 / error), ssim[5:-5, 5:-5].mean()))
    means = {factor: np.mean(values, axis=0) for factor, values in quality.items()}
    np.testing.assert_allclose(means[2], [29.548, 0.8425], atol=5e-4)
    np.testing.assert_allclose(means[3], [27.202, 0.7382], atol=5e-4)
    np.testing.assert_allclose(means[4], [25.957, 0.6672], atol=5e-4)


@pytest.mark.parametrize("boundary", bicubic.BOUNDARIES)
@pytest.mark.parametrize(
    ("size", "new_size"), [(12, 4), (7, 21), (9, 5), (5, 5), (1, 3)]
)
def test_resize_matrix(size, new_size, boundary):
    matrix = bicubic.resize_matrix(size, new_size, boundary)
    assert matrix.shape == (new_size, size)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
    # The same from the left and from the right.
    np.testing.assert_allclose(matrix, matrix[::-1, ::-1], atol=1e-12)
    if size == new_size:
        np.testing.assert_allclose(matrix, np.eye(size), atol=1e-12)


def test_bicubic_reproduces_straight_lines_inside():
    matrix = bicubic.resize_matrix(40, 20)
    line = matrix @ np.arange(40.0)
    np.testing.assert_allclose(np.diff(line)[3:-3], 2.0)


@pytest.mark.parametrize("boundary", bicubic.BOUNDARIES)
@pytest.mark.parametrize(
    ("size", "new_size"), [(12, 4), (40, 20), (7, 21), (1, 3), (3, 1)]
)
def test_boundaries_are_those_of_numpys_pad(size, new_size, boundary):
    """Resizing a padded line, and cutting off what the padding has become."""
    mode = {"replicate": "edge", "symmetric": "symmetric"}[boundary]
    padded = np.pad(np.eye(size), ((9 * size, 9 * size), (0, 0)), mode=mode)
    large = bicubic.resize_matrix(19 * size, 19 * new_size) @ padded
    expected = large[9 * new_size : 10 * new_size]
    actual = bicubic.resize_matrix(size, new_size, boundary)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("boundary", bicubic.BOUNDARIES)
@pytest.mark.parametrize(
    ("size", "rows_first"), [((6, 20), True), ((7, 5), False), ((8, 10), True)]
)
def test_resizes_one_axis_after_the_other(size, rows_first, boundary):
    """That with the smaller scale first, rows if equal, and rounds after each."""
    image = np.random.default_rng(0).integers(0, 256, (12, 15), dtype=np.uint8)
    rows = bicubic.resize_matrix(12, size[0], boundary)
    columns = bicubic.resize_matrix(15, size[1], boundary)

    def rounded(values):
        return np.floor(np.clip(values, 0, 255) + 0.5)

    by_rows = rounded(rounded(rows @ image) @ columns.T)
    by_columns = rounded(rows @ rounded(image @ columns.T))
    expected, other = (by_rows, by_columns) if rows_first else (by_columns, by_rows)
    actual = bicubic.imresize_uint8(image, size, boundary)
    np.testing.assert_array_equal(actual, expected)
    # Otherwise this could not tell the orders apart.
    assert not np.array_equal(expected, other)


@pytest.mark.parametrize("size", [(6, 5), (24, 30), (13, 4)])
def test_linear_operator_agrees_with_the_rounded_one(size):
    image = np.random.default_rng(0).integers(60, 200, (12, 15, 3), dtype=np.uint8)
    exact = bicubic.imresize(np.float32(image)[None], size)
    rounded = bicubic.imresize_uint8(image, size)
    # Rounding once or twice instead of not at all.
    assert np.abs(ops.convert_to_numpy(exact)[0] - rounded).max() < 1.3
    gray = bicubic.imresize_uint8(image[..., 0], size)
    np.testing.assert_array_equal(gray, rounded[..., 0])


def _matlabs_contributions(size, scale):
    """The weights of MATLAB's `imresize(I, scale)` for one axis, loop by loop."""
    new_size = math.ceil(size * scale)
    weights = np.zeros((new_size, size))
    for i in range(new_size):
        center = (i + 1) / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(center - 2 / scale)
        for j in range(left, left + math.ceil(4 / scale) + 2):
            x = abs(scale * (center - j))
            value = 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else 0
            if 1 < x <= 2:
                value = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
            weights[i, min(max(j, 1), size) - 1] += value
    return weights / weights.sum(axis=1, keepdims=True)


def test_a_scale_is_not_the_ratio_of_sizes():
    """Of 17 pixels a scale of 0.3 makes 6, at distances of 1 / 0.3."""
    expected = _matlabs_contributions(17, 0.3)
    image = np.random.default_rng(0).uniform(size=(1, 17, 20, 1))
    actual = bicubic.imresize(image, scale=0.3)
    columns = _matlabs_contributions(20, 0.3)
    np.testing.assert_allclose(
        ops.convert_to_numpy(actual)[0, ..., 0],
        expected @ image[0, ..., 0] @ columns.T,
        atol=1e-6,
    )
    mirrored = [bicubic.resize_matrix(17, 6, "symmetric", s) for s in (None, 0.3)]
    assert np.abs(np.subtract(*mirrored)).max() == pytest.approx(0.30, abs=0.01)


def test_a_scale_for_8_bits():
    """Rows first: their scale is that of columns, whatever the sizes are rounded to."""
    image = np.random.default_rng(0).integers(0, 256, (17, 20), dtype=np.uint8)
    rows, columns = (_matlabs_contributions(n, 0.3) for n in image.shape)

    def rounded(values):
        return np.floor(np.clip(values, 0, 255) + 0.5)

    expected = rounded(rounded(rows @ image) @ columns.T)
    assert not np.array_equal(expected, rounded(rows @ rounded(image @ columns.T)))
    actual = bicubic.imresize_uint8(image, scale=0.3)
    np.testing.assert_array_equal(actual, expected)


def test_nan_does_not_spread():
    image = np.ones((1, 32, 32, 1))
    image[0, 0, 31] = np.nan
    with pytest.raises(ValueError, match=r"finite, got nan at \(0, 0, 31, 0\)"):
        bicubic.imresize(image, (16, 16))


def test_rounded_values_are_clipped():
    image = np.zeros((8, 8), np.uint8)
    image[:, 4:] = 255
    large = bicubic.imresize_uint8(image, (16, 16))
    assert (large.min(), large.max()) == (0, 255)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bicubic.resize_matrix(3, 0), "positive"),
        (lambda: bicubic.resize_matrix(3, 3, "zero"), "boundary"),
        (lambda: bicubic.imresize(np.zeros((3, 3)), (2, 2)), "batch"),
        (
            lambda: bicubic.imresize(np.zeros((1, 3, 3, 1), np.uint8), (2, 2)),
            "of floats, got uint8.*imresize_uint8",
        ),
        (lambda: bicubic.imresize_uint8(np.zeros((3, 3)), (2, 2)), "8 bits"),
        (lambda: bicubic.imresize(np.zeros((1, 3, 3, 1))), "either size or scale"),
        (
            lambda: bicubic.imresize(np.zeros((1, 3, 3, 1)), (2, 2), scale=0.3),
            "either size or scale",
        ),
        (lambda: bicubic.imresize(np.zeros((1, 3, 3, 1)), scale=0.0), "scale must be"),
        (lambda: bicubic.imresize(np.zeros((1, 0, 3, 1)), (2, 2)), "got none"),
    ],
)
def test_refuses_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("size", [5, (2,), (2, 2, 1), (2.0, 2), (0, 2), (2, -1)])
def test_refuses_other_sizes(size):
    message = r"size must be \(height, width\), positive integers, got"
    with pytest.raises(ValueError, match=message):
        bicubic.imresize(np.zeros((1, 3, 3, 1)), size)
    with pytest.raises(ValueError, match=message):
        bicubic.imresize_uint8(np.zeros((3, 3), np.uint8), size)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("is_larger", [False, True])
def test_matrices_of_sizes_that_only_a_graph_knows_are_the_same(factor, is_larger):
    for number in (1, 2, 7, 16):
        size = number if is_larger else factor * number
        new_size = factor * number if is_larger else number
        matrix = bicubic.resize_matrix_in_graph(size, factor, is_larger)
        expected = bicubic.resize_matrix(size, new_size)
        np.testing.assert_allclose(np.asarray(matrix), expected, atol=1e-6)
