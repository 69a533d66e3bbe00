"""Tests of the pictures."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from paper_experiments import figures, three_task


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


@pytest.mark.parametrize("num_steps", [3, 50])
def test_curves_are_drawn_with_the_end_of_training(tmp_path, monkeypatch, num_steps):
    """Where there is one: a panel for a task and p, a line and a shade for a model."""
    psnr = np.linspace(10, 30, num_steps + 1)[:, None] + np.array([-1.0, 1.0])
    curves = {
        panel: {name: three_task.Curve(psnr) for name in ("RIM", "GDN")}
        for panel in three_task.PANELS
    }
    drawn = []
    monkeypatch.setattr(plt, "close", drawn.append)
    figures.save_curves(curves, tmp_path / "figure3.png")
    with Image.open(tmp_path / "figure3.png") as picture:
        assert picture.width > picture.height > 800
    (figure,) = drawn
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [panel.title for panel in three_task.PANELS]
    for axis in figure.axes:
        lines = [line for line in axis.lines if len(line.get_xdata()) > 2]
        assert [line.get_label() for line in lines] == ["RIM", "GDN"]
        np.testing.assert_allclose(lines[0].get_ydata(), psnr.mean(axis=1))
        dashed = [line for line in axis.lines if line not in lines]
        assert [line.get_xdata()[0] for line in dashed] == [20] * (num_steps == 50)
        shade = axis.collections[0].get_paths()[0].vertices
        assert shade[:, 1].min() == pytest.approx(9)
        assert shade[:, 1].max() == pytest.approx(31)


def test_steps_to_show():
    assert figures.steps_to_show(20) == [1, 3, 10, 20]
    assert figures.steps_to_show(3) == [1, 3]
    assert figures.steps_to_show(1) == [1]
