"""Tests of the pictures."""

import numpy as np
import pytest
from PIL import Image

from paper_experiments import figures


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_is_written(tmp_path, channels):
    clean = np.random.default_rng(0).uniform(size=(20, 30, channels))
    row = figures.Restored("25", clean, clean + 0.1, {1: clean, 5: clean})
    figures.save_estimates([row, row], tmp_path / "estimates.png")
    with Image.open(tmp_path / "estimates.png") as picture:
        assert picture.width > 800
    assert len(list(tmp_path.iterdir())) == 1


def test_small_images_take_less_room(tmp_path):
    widths = []
    for width in (128, 480):
        clean = np.zeros((64, width, 1))
        row = figures.Restored("25", clean, clean, {1: clean})
        figures.save_estimates([row], tmp_path / "estimates.png")
        with Image.open(tmp_path / "estimates.png") as picture:
            widths.append(picture.width)
    assert widths[0] < 0.7 * widths[1]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height", [40, 150])
def test_detail_is_written(tmp_path, channels, height):
    clean = np.random.default_rng(0).uniform(size=(height, 130, channels))
    figures.save_detail(clean, {"noisy": clean + 0.1}, tmp_path / "detail.png")
    with Image.open(tmp_path / "detail.png") as picture:
        assert picture.width > 800


def test_detail_is_where_neighbours_differ_most():
    image = np.full((200, 300, 1), 0.5)
    image[96:192, 160:256] += np.random.default_rng(0).normal(0, 0.1, (96, 96, 1))
    assert figures._liveliest_corner(image, 96) == (96, 160)


def test_steps_to_show():
    assert figures.steps_to_show(20) == [1, 3, 10, 20]
    assert figures.steps_to_show(3) == [1, 3]
    assert figures.steps_to_show(1) == [1]
