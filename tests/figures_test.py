"""Tests of the pictures of estimates."""

import numpy as np
import pytest
from PIL import Image

from paper_experiments.common import figures


def _titles(figure):
    return [axis.get_title() for axis in figure.axes]


def _shown(axis):
    """Returns what an axis shows, an array."""
    (image,) = axis.images
    return np.asarray(image.get_array())


def _shown_images(figure):
    return [axis for axis in figure.axes if axis.images]


def _row(title, image="", clean=None, steps=(1, 5), size=(20, 30)):
    """A row whose estimates are wrong by 0.1, and by 0.01 at the last t."""
    if clean is None:
        clean = np.random.default_rng(0).uniform(0.1, 0.8, size=(*size, 1))
    estimates = {t: clean - 0.1 for t in steps} | {steps[-1]: clean + 0.01}
    return figures.Restored(title, clean, clean + 0.1, estimates, image=image)


def _covered(figure):
    """Returns the share of a figure that axes and the titles above them cover."""
    figure.draw_without_rendering()
    height, width = (int(20 * size) for size in figure.get_size_inches()[::-1])
    covered = np.zeros((height, width), bool)
    for axis in figure.axes:
        box = axis.get_tightbbox().transformed(figure.transFigure.inverted())
        rows, columns = np.array(box.intervaly), np.array(box.intervalx)
        top, bottom = np.clip(np.rint(rows * height), 0, height).astype(int)
        left, right = np.clip(np.rint(columns * width), 0, width).astype(int)
        covered[top:bottom, left:right] = True
    return covered.mean()


@pytest.mark.parametrize("channels", [1, 3])
def test_estimates_are_drawn_in_a_row_with_their_psnr(tmp_path, drawn, channels):
    clean = np.random.default_rng(0).uniform(0.1, 0.8, size=(20, 30, channels))
    # At an error of 0.1 everywhere the PSNR is 20 dB, at 0.01 it is 40 dB.
    row = _row("RIM\n25", clean=clean)
    figures.save_estimates(
        [row, row._replace(title="RIM\n50")], tmp_path / "estimates.png"
    )
    (figure,) = drawn
    titles = ["noisy: 20.00 dB", "t = 1: 20.00 dB", "t = 5: 40.00 dB"]
    shown = _shown_images(figure)
    assert [axis.get_title() for axis in shown] == ["clean", *titles, *titles]
    assert [axis.get_ylabel() for axis in shown[1::3]] == ["RIM\n25", "RIM\n50"]
    expected = [clean, *(2 * [clean + 0.1, clean - 0.1, clean + 0.01])]
    for axis, image in zip(shown, expected, strict=True):
        np.testing.assert_allclose(_shown(axis).reshape(image.shape), image)
        assert axis.images[0].get_clim() == (0, 1)
    # The file is whole, and no other is left.
    with Image.open(tmp_path / "estimates.png") as picture:
        picture.load()
    assert [path.name for path in tmp_path.iterdir()] == ["estimates.png"]


def test_psnr_over_the_shown_steps_is_drawn_below_the_clean_image(tmp_path, drawn):
    rows = [_row("RIM\n25", "a"), _row("RIM\n50", "a", steps=(1, 3, 5))]
    figures.save_estimates([rows[0], rows[1]._replace(title="x")], tmp_path / "a.png")
    (figure,) = drawn
    (curves,) = (axis for axis in figure.axes if not axis.images)
    assert [list(line.get_xdata()) for line in curves.lines] == [[1, 5], [1, 3, 5]]
    np.testing.assert_allclose(curves.lines[0].get_ydata(), [20, 40])
    np.testing.assert_allclose(curves.lines[1].get_ydata(), [20, 20, 40])
    assert [text.get_text() for text in curves.texts] == ["25", "x"]
    clean = _shown_images(figure)[0]
    assert clean.get_title() == "clean: a"
    assert clean.get_position().y0 > curves.get_position().y1


def test_one_row_has_no_curves(tmp_path, drawn):
    figures.save_estimates([_row("25", "a")], tmp_path / "a.png")
    (figure,) = drawn
    assert len(figure.axes) == len(_shown_images(figure)) == 4
    # All of one size.
    sizes = [axis.get_position().size for axis in figure.axes]
    np.testing.assert_allclose(sizes, 4 * [sizes[0]])


def test_each_image_is_clean_once_beside_its_row(tmp_path, drawn):
    rows = [_row(str(sigma), name) for sigma, name in ((15, "b"), (25, "a"))]
    figures.save_estimates(rows, tmp_path / "a.png")
    (figure,) = drawn
    assert _titles(figure)[:2] == ["clean: b", "clean: a"]
    first, second, noisy, *_ = (axis.get_position() for axis in figure.axes)
    assert first.y0 == pytest.approx(noisy.y0)
    assert second.y1 < first.y0


def test_downwards_rows_are_columns(tmp_path, drawn):
    rows = [_row(title)._replace(observation=None) for title in ("p\nRIM", "p\nFFN")]
    start = rows[0].clean * 0
    figures.save_estimates(rows, tmp_path / "a.png", {"t = 0": start}, downwards=True)
    (figure,) = drawn
    assert _titles(figure) == [
        "clean",
        "t = 0",
        "p\nRIM\nt = 1: 20.00 dB",
        "p\nFFN\nt = 1: 20.00 dB",
        "t = 5: 40.00 dB",
        "t = 5: 40.00 dB",
    ]
    np.testing.assert_array_equal(_shown(figure.axes[1]), start[..., 0])
    boxes = [axis.get_position() for axis in figure.axes]
    assert boxes[2].x0 == pytest.approx(boxes[4].x0)
    assert boxes[2].y0 == pytest.approx(boxes[3].y0)
    assert boxes[4].y1 < boxes[2].y0


@pytest.mark.parametrize("size", [(320, 480), (480, 320), (128, 128)])
@pytest.mark.parametrize("number", [1, 3])
def test_there_is_no_dead_space_and_nothing_overlaps(tmp_path, drawn, size, number):
    rows = [_row(f"RIM\n{i}", "a", steps=(1, 3, 10, 20), size=size) for i in "123"]
    figures.save_estimates(rows[:number], tmp_path / "a.png")
    (figure,) = drawn
    assert _covered(figure) > 0.88
    boxes = [axis.get_window_extent() for axis in figure.axes]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
    # Images fill their axes: these have the proportions of the images.
    for axis in _shown_images(figure):
        box = axis.get_window_extent()
        assert box.height / box.width == pytest.approx(size[0] / size[1], rel=0.01)


@pytest.mark.parametrize("size", [(16, 400), (400, 16), (128, 128)])
@pytest.mark.parametrize("once", [None, {"t = 0\na\nb": 0, "t = 0\nc": 1, "t": 2}])
def test_unusual_images_and_few_steps_overlap_no_more(tmp_path, drawn, size, once):
    rows = [_row(f"RIM\n{i}", steps=(1,), size=size) for i in "123"]
    shown = once and {title: rows[0].clean for title in once}
    figures.save_estimates(rows, tmp_path / "a.png", shown, downwards=bool(once))
    (figure,) = drawn
    boxes = [axis.get_window_extent() for axis in figure.axes]
    for i, one in enumerate(boxes):
        assert one.width > 5
        assert one.height > 5
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_titles_stay_inside_the_picture(tmp_path, drawn):
    rows = [_row(f"RIM\n{i}", "12003", size=(128, 128)) for i in "123"]
    figures.save_estimates(rows, tmp_path / "a.png")
    (figure,) = drawn
    figure.draw_without_rendering()
    for axis in figure.axes:
        box = axis.get_tightbbox()
        assert box.x0 > -3
        assert box.y1 < figure.bbox.y1 + 3
        assert box.x1 < figure.bbox.x1 + 3


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


def test_jpeg_is_written_by_its_name(tmp_path):
    figures.save_estimates([_row("25")], tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as picture:
        assert picture.format == "JPEG"


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


@pytest.mark.parametrize("size", [(150, 130), (60, 200)])
def test_comparison_shows_whole_images_above_their_details(tmp_path, drawn, size):
    clean = np.random.default_rng(0).uniform(0, 0.8, size=(*size, 1))
    images = {"clean": clean, "noisy": clean + 0.1, "RIM": clean + 0.01}
    figures.save_comparison(images, "reported: 1\nand 2", tmp_path / "a.png")
    (figure,) = drawn
    assert _titles(figure) == ["clean", "", "noisy", "", "RIM", ""]
    assert [text.get_text() for text in figure.texts] == ["reported: 1\nand 2"]
    wholes, details = figure.axes[::2], figure.axes[1::2]
    (frame,) = wholes[0].patches
    left, top = map(int, frame.get_xy())
    for whole, detail, image in zip(wholes, details, images.values(), strict=True):
        np.testing.assert_array_equal(_shown(whole), image[..., 0])
        part = image[top : top + 96, left : left + 96, 0]
        np.testing.assert_array_equal(_shown(detail), part)
        assert whole.get_position().y0 > detail.get_position().y1
    figure.draw_without_rendering()
    caption = figure.texts[0].get_window_extent()
    assert caption.y0 > -3
    assert caption.y1 < min(axis.get_window_extent().y0 for axis in details)


def test_detail_is_where_neighbours_differ_most():
    image = np.full((200, 300, 1), 0.5)
    image[96:192, 160:256] += np.random.default_rng(0).normal(0, 0.1, (96, 96, 1))
    assert figures._liveliest_corner(image, 96) == (96, 160)


def test_steps_to_show():
    assert figures.steps_to_show(20) == [1, 3, 10, 20]
    assert figures.steps_to_show(3) == [1, 3]
    assert figures.steps_to_show(1) == [1]
