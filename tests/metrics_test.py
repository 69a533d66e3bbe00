"""Tests of the metrics."""

import numpy as np
import pytest

from rim_tf import metrics


def test_psnr_of_known_errors():
    clean = np.full((3, 4, 4, 2), 0.5)
    estimate = clean + np.array([0.1, 0.01, 0.0]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(metrics.psnr(estimate, clean), [20, 40, np.inf])


def test_psnr_pools_over_channels_of_an_image():
    clean = np.zeros((1, 2, 2, 2))
    estimate = clean.copy()
    estimate[..., 0] = 0.2
    np.testing.assert_allclose(metrics.psnr(estimate, clean), -10 * np.log10(0.02))


def test_psnr_clips_the_estimate_unless_told():
    clean = np.ones((1, 2, 2, 1))
    assert metrics.psnr(clean + 0.1, clean)[0] == np.inf
    np.testing.assert_allclose(metrics.psnr(clean + 0.1, clean, clip=False), 20)


def test_psnr_refuses_other_shapes():
    with pytest.raises(ValueError, match="batch, height, width, channels"):
        metrics.psnr(np.zeros((4, 4, 1)), np.zeros((4, 4, 1)))
    with pytest.raises(ValueError, match="got"):
        metrics.psnr(np.zeros((1, 4, 4, 1)), np.zeros((2, 4, 4, 1)))


@pytest.mark.parametrize("levels", [np.uint8([100, 101]), np.float64([100, 101])])
def test_psnr_refuses_levels(levels):
    """It would be -40 dB."""
    estimate, clean = (np.full((1, 4, 4, 1), n) for n in levels)
    with pytest.raises(ValueError, match=r"scale from 0 to 1, got .* up to 100"):
        metrics.psnr(estimate, clean)
    with pytest.raises(ValueError, match="divide by 255"):
        metrics.psnr(np.zeros((1, 4, 4, 1)), clean)


def test_psnr_of_no_pixel_is_refused():
    with pytest.raises(ValueError, match=r"got \(1, 0, 4, 1\)"):
        metrics.psnr(np.zeros((1, 0, 4, 1)), np.zeros((1, 0, 4, 1)))


def test_mean_leaves_out_what_has_no_error():
    values = [[20, np.inf, 30], [np.inf, np.inf, np.inf]]
    np.testing.assert_array_equal(metrics.mean(values, axis=1), [25, np.inf])
    assert metrics.mean(values) == 25
    assert metrics.mean([np.inf]) == np.inf
