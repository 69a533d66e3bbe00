"""Tests of what a training minimises."""

import keras
import numpy as np
import pytest

from rim_tf import losses, metrics


def _value(loss):
    """Returns a loss as a number; it must be a scalar."""
    loss = keras.ops.convert_to_numpy(loss)
    assert loss.shape == ()
    assert loss.dtype == np.float32
    return float(loss)


def test_mean_squared_error_is_the_mean_over_steps_and_pixels():
    estimates = np.zeros((3, 2, 4, 4, 1), np.float32)
    estimates[1] += 0.5
    estimates[2, 0] += 1.0
    loss = losses.mean_squared_error(estimates, np.zeros((2, 4, 4, 1), np.float32))
    # The steps' own are 0, 0.25 and 0.5.
    assert _value(loss) == pytest.approx(0.25)


def test_log_mean_squared_error_is_the_mean_psnr_but_for_a_factor():
    rng = np.random.default_rng(0)
    clean = rng.random((4, 6, 6, 1), np.float32)
    errors = np.float32([[0.1, 0.2, 0.5, 0.9], [0.3, 0.3, 0.02, 0.1]])
    estimates = clean + errors[..., None, None, None]
    psnr = np.mean([metrics.psnr(x, clean, clip=False) for x in estimates])
    loss = _value(losses.log_mean_squared_error(estimates, clean))
    assert -10 / np.log(10) * loss == pytest.approx(psnr, abs=0.01)


def test_log_mean_squared_error_of_an_exact_image_is_that_of_rounding():
    """Not minus infinity: 255 levels have an error of a twelfth of their square."""
    image = np.zeros((1, 1, 4, 4, 1), np.float32)
    loss = _value(losses.log_mean_squared_error(image, image[0]))
    assert loss == pytest.approx(-np.log(12 * 255**2))


def test_a_loss_is_found_by_its_name():
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get("log_mse") is losses.log_mean_squared_error
    with pytest.raises(KeyError, match="l1"):
        losses.get("l1")
