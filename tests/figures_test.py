"""Tests of the pictures of estimates."""

import numpy as np
import pytest
from PIL import Image

from paper_experiments.common import figures


@pytest.fixture(name="drawn")
def _drawn(monkeypatch):
    """The figures that were saved."""
    saved, save = [], figures.save
    monkeypatch.setattr(
        figures, "save", lambda figure, path: saved.append(figure) or save(figure, path)
    )
    return saved


def _titles(figure):
    return [axis.get_title() for axis in figure.axes]


def _shown(axis):
    """Returns what an axis shows, an array."""
    (image,) = axis.images
    return np.asarray(image.get_array())


@pytest.mark.parametrize("channels", [1, 3])
def test_estimates_are_drawn_in_a_row_with_their_psnr(tmp_path, drawn, channels):
    clean = np.random.default_rng(0).uniform(0.1, 0.8, size=(20, 30, channels))
    # At an error of 0.1 everywhere the PSNR is 20 dB, at 0.01 it is 40 dB.
    row = figures.Restored("25", clean, clean + 0.1, {1: clean - 0.1, 5: clean + 0.01})
    figures.save_estimates([row, row._replace(title="50")], tmp_path / "estimates.png")
    (figure,) = drawn
    titles = ["clean", "noisy: 20.00 dB", "t = 1: 20.00 dB", "t = 5: 40.00 dB"]
    assert _titles(figure) == 2 * titles
    assert [axis.get_ylabel() for axis in figure.axes[::4]] == ["25", "50"]
    for axis, image in zip(
        figure.axes, 2 * [clean, clean + 0.1, clean - 0.1, clean + 0.01], strict=True
    ):
        np.testing.assert_allclose(_shown(axis).reshape(image.shape), image)
        assert axis.images[0].get_clim() == (0, 1)
    # The file is whole, and no other is left.
    with Image.open(tmp_path / "estimates.png") as picture:
        picture.load()
    assert [path.name for path in tmp_path.iterdir()] == ["estimates.png"]


def test_observation_is_left_out_or_named(tmp_path, drawn):
    clean = np.full((8, 8, 1), 0.5)
    row = figures.Restored("x2", clean, clean + 0.1, {1: clean + 0.1}, "bicubic")
    figures.save_estimates([row], tmp_path / "a.png")
    figures.save_estimates([row._replace(observation=None)], tmp_path / "a.png")
    with_it, without = map(_titles, drawn)
    assert with_it == ["clean", "bicubic: 20.00 dB", "t = 1: 20.00 dB"]
    assert without == ["clean", "t = 1: 20.00 dB"]


def test_estimates_are_clipped_before_they_are_compared_and_shown(tmp_path, drawn):
    """An observation is shown clipped, too, but compared as it is."""
    clean = np.full((8, 8, 1), 0.9)
    row = figures.Restored("25", clean, clean + 1, {1: clean + 1})
    figures.save_estimates([row], tmp_path / "a.png")
    (figure,) = drawn
    assert _titles(figure) == ["clean", "noisy: 0.00 dB", "t = 1: 20.00 dB"]
    assert [_shown(axis).max() for axis in figure.axes] == [0.9, 1, 1]


def test_small_images_take_less_room(tmp_path, drawn):
    for width in (128, 480):
        clean = np.zeros((64, width, 1))
        row = figures.Restored("25", clean, clean + 0.1, {1: clean + 0.1})
        figures.save_estimates([row], tmp_path / "estimates.png")
    small, large = (figure.get_size_inches()[0] for figure in drawn)
    assert small < 0.7 * large


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height", [40, 150])
def test_detail_is_the_same_part_of_all_images(tmp_path, drawn, channels, height):
    clean = np.random.default_rng(0).uniform(0, 0.8, size=(height, 130, channels))
    figures.save_detail(clean, {"noisy": clean + 0.1}, tmp_path / "detail.png")
    (figure,) = drawn
    assert _titles(figure) == ["clean", "clean, detail", "noisy"]
    whole, detail, noisy = map(_shown, figure.axes)
    assert whole.shape[:2] == (height, 130)
    assert detail.shape[:2] == noisy.shape[:2] == (min(height, 96), 96)
    np.testing.assert_allclose(noisy, detail + 0.1)
    # The frame in the whole image is around the detail.
    (frame,) = figure.axes[0].patches
    left, top = map(int, frame.get_xy())
    np.testing.assert_array_equal(whole[top : top + 96, left : left + 96], detail)
    assert (tmp_path / "detail.png").exists()


def test_detail_is_where_neighbours_differ_most():
    image = np.full((200, 300, 1), 0.5)
    image[96:192, 160:256] += np.random.default_rng(0).normal(0, 0.1, (96, 96, 1))
    assert figures._liveliest_corner(image, 96) == (96, 160)


def test_steps_to_show():
    assert figures.steps_to_show(20) == [1, 3, 10, 20]
    assert figures.steps_to_show(3) == [1, 3]
    assert figures.steps_to_show(1) == [1]
