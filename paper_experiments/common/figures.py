"""Pictures of how estimates come about.

Axes are placed in inches, since pictures have proportions of their own: whatever
shares the room out by itself leaves gaps.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import patches
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_experiments.common.observations import psnr_of
from rim_tf import files

# A page with all steps of one image, and what is said of it below a table.
TRAJECTORY_FILE = "trajectory.html"
TRAJECTORY_NOTE = (
    f"* [{TRAJECTORY_FILE}]({TRAJECTORY_FILE}), for a browser: all steps of the first "
    "image."
)

# Height and width of a detail in pixels.
_DETAIL_SIZE = 96
_PIXELS_PER_INCH = 110
_FONT_SIZE = 8
# In inches: a line of a title, what is between pictures, what is beside a row.
_LINE, _GAP, _ROW_TITLE = 0.145, 0.06, 0.42
_PANEL_WIDTHS = 1.0, 2.0
_GRID_WIDTH = 1.2
# Of curves: what ticks and labels need at the left and below, and the least height.
_TICKS, _LEAST_CURVES = 0.4, 1.2
# How files are written, by the ends of their names. JPEG files go into the repository,
# and noise takes much room in them.
_FORMATS = {
    ".png": {"dpi": 150},
    ".jpg": {"dpi": 120, "pil_kwargs": {"quality": 72, "optimize": True}},
}

# Title and image.
_Panel = tuple[str, np.ndarray]


class Restored(NamedTuple):
    """An image, its observation, and estimates of it.

    Attributes:
      title: What stands beside the row of pictures; its last line names its curve.
      clean: `(height, width, channels)` in [0, 1].
      observation: The same shape; None if it is not to be shown.
      estimates: Estimates by the number of steps t.
      observed: What the observation is called.
      image: Name of the image. Rows of the same name share one clean image.
    """

    title: str
    clean: np.ndarray
    observation: np.ndarray | None
    estimates: Mapping[int, np.ndarray]
    observed: str = "noisy"
    image: str = ""


class _Page:
    """A figure whose axes are placed in inches, from its top left corner."""

    def __init__(self, width: float, height: float):
        self.figure = Figure((width, height))
        self._size = width, height

    def add(self, left: float, top: float, width: float, height: float) -> Axes:
        """Returns new axes."""
        of_width, of_height = self._size
        bottom = of_height - top - height
        return self.figure.add_axes(
            (left / of_width, bottom / of_height, width / of_width, height / of_height)
        )


def steps_to_show(num_steps: int) -> list[int]:
    """Returns some t up to `num_steps`, close together at first."""
    return sorted({t for t in (1, 3, 10) if t < num_steps} | {num_steps})


def save_estimates(
    rows: Sequence[Restored],
    path: Path,
    once: Mapping[str, np.ndarray] | None = None,
    downwards: bool = False,
) -> None:
    """Draws observations and estimates over t, with their PSNR.

    Clean images stand at the left, each once; below the only one of several rows
    stands what they share, or their PSNR over the shown t.

    Args:
      rows: The rows of the picture, with the same numbers of steps.
      path: The PNG or JPEG file.
      once: By title, pictures that serve several rows.
      downwards: Whether t grows downwards, and rows are columns.
    """
    grid = [_panels(row) for row in rows]
    if downwards:
        grid = _turn(rows, grid)
    pixels = rows[0].clean.shape
    # Small images are not blown up, so that many rows stay one page.
    width = float(np.clip(pixels[1] / _PIXELS_PER_INCH, *_PANEL_WIDTHS))
    height = width * pixels[0] / pixels[1]
    bottoms = np.cumsum([_title_height(panels) + height for panels in grid])
    aside = {**_clean_images(rows), **(once or {})}
    has_curves = len(aside) == 1 < len(rows)
    # The page is as high as the rows, or as what stands beside few or low ones.
    number = len(aside) + has_curves
    least = _title_height(aside.items()) + height
    slot = max(bottoms[-1] / number, least, _LEAST_CURVES * has_curves)
    aside_height = slot - _title_height(aside.items())
    aside_width = aside_height * width / height
    left = aside_width + (3 * _GAP if downwards else _ROW_TITLE)
    page = _Page(left + len(grid[0]) * (width + _GAP) - _GAP, number * slot)
    for place, (title, image) in enumerate(aside.items(), start=1):
        axis = page.add(0, place * slot - aside_height, aside_width, aside_height)
        _draw(axis, title, image)
    if has_curves:
        _draw_curves(page.add(*_inside_ticks(slot, aside_width)), rows)
    row_titles = len(grid) * [""] if downwards else [row.title for row in rows]
    for row_title, panels, bottom in zip(row_titles, grid, bottoms, strict=True):
        lefts = left + (width + _GAP) * np.arange(len(panels))
        axes = [page.add(x, bottom - height, width, height) for x in lefts]
        for axis, (title, image) in zip(axes, panels, strict=True):
            _draw(axis, title, image)
        axes[0].set_ylabel(row_title, fontsize=_FONT_SIZE + 1)
    save(page.figure, path)


def save_detail(
    clean: np.ndarray, images: Mapping[str, np.ndarray], path: Path
) -> None:
    """Draws an image, and a detail of it as observed and restored.

    Args:
      clean: `(height, width, channels)` in [0, 1].
      images: By title, of the same shape.
      path: The PNG file.
    """
    shown = {"clean, detail": clean, **images}
    height, room = 2.4, _LINE + _GAP
    width = height * clean.shape[1] / clean.shape[0]
    detail, frame = _detail_of(clean)
    detail_width = height * detail(clean).shape[1] / detail(clean).shape[0]
    page = _Page(
        width + len(shown) * (detail_width + _GAP), height + room + _LINE + _GAP
    )
    whole = page.add(0, room, width, height)
    _draw(whole, "clean", clean)
    whole.add_patch(frame)
    for number, (title, image) in enumerate(shown.items()):
        left = width + _GAP + number * (detail_width + _GAP)
        _draw(page.add(left, room, detail_width, height), title, detail(image))
    whole.set_xlabel("PSNR: of the whole image", fontsize=_FONT_SIZE)
    save(page.figure, path)


def save_comparison(images: Mapping[str, np.ndarray], caption: str, path: Path) -> None:
    """Draws whole images in a row, and below each of them a detail of it.

    Args:
      images: By title; the detail is where the first of them is liveliest.
      caption: What stands below.
      path: The PNG file.
    """
    first = next(iter(images.values()))
    detail, frame = _detail_of(first)
    width = _PANEL_WIDTHS[1]
    tops = [_title_height(images.items())]
    for shown in (first, detail(first)):
        tops.append(tops[-1] + width * shown.shape[0] / shown.shape[1] + _GAP)
    caption_height = _LINE * (caption.count("\n") + 1) + _GAP
    page = _Page(len(images) * (width + _GAP) - _GAP, tops[-1] + caption_height)
    for number, (title, image) in enumerate(images.items()):
        left = number * (width + _GAP)
        for heading, shown, top, bottom in (
            (title, image, tops[0], tops[1]),
            ("", detail(image), tops[1], tops[2]),
        ):
            _draw(page.add(left, top, width, bottom - top - _GAP), heading, shown)
    page.figure.axes[0].add_patch(frame)
    page.figure.text(0.5, 0, caption, fontsize=_FONT_SIZE, ha="center", va="bottom")
    save(page.figure, path)


def save_grid(
    rows: Mapping[str, Mapping[str, np.ndarray]],
    image: np.ndarray,
    path: Path,
    beside: int = 2,
) -> None:
    """Draws a detail of one image, restored in many ways.

    Args:
      rows: Titles of rows to titled images, as many in each, of the shape of `image`.
      image: `(height, width, channels)` in [0, 1]; the detail is where it is
        liveliest.
      path: The PNG file.
      beside: How many rows stand beside each other.
    """
    detail, _ = _detail_of(image)
    room = _title_height(next(iter(rows.values())).items()) + _GAP
    width = _GRID_WIDTH
    height = width * detail(image).shape[0] / detail(image).shape[1]
    of_row = _ROW_TITLE + len(next(iter(rows.values()))) * (width + _GAP)
    lines = -(-len(rows) // beside)
    page = _Page(beside * of_row, lines * (height + room))
    for number, (row_title, images) in enumerate(rows.items()):
        column, line = divmod(number, lines)
        for place, (title, shown) in enumerate(images.items()):
            left = column * of_row + _ROW_TITLE + place * (width + _GAP)
            top = line * (height + room) + room
            axis = page.add(left, top, width, height)
            _draw(axis, title, detail(shown))
            if not place:
                axis.set_ylabel(row_title, fontsize=_FONT_SIZE)
    save(page.figure, path)


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as a PNG or JPEG file, by the end of its name."""
    with files.replacing(path) as temporary:
        figure.savefig(temporary, **_FORMATS[path.suffix])


def _detail_of(
    image: np.ndarray,
) -> tuple[Callable[[np.ndarray], np.ndarray], patches.Rectangle]:
    """Returns what cuts the liveliest detail out of an image, and a frame for it."""
    top, left = _liveliest_corner(image, _DETAIL_SIZE)
    size = _DETAIL_SIZE
    frame = patches.Rectangle((left, top), size, size, fill=False, color="red", lw=1.5)
    return lambda other: other[top:, left:][:size, :size], frame


def _liveliest_corner(image: np.ndarray, size: int) -> tuple[int, int]:
    """Returns the top left corner of the square where neighbours differ most."""
    gray = image.mean(axis=-1)
    differences = sum(np.abs(gradient) for gradient in np.gradient(gray))
    corners = [
        (top, left)
        for top in range(0, max(gray.shape[0] - size, 0) + 1, 8)
        for left in range(0, max(gray.shape[1] - size, 0) + 1, 8)
    ]
    return max(
        corners,
        key=lambda corner: differences[corner[0] :, corner[1] :][:size, :size].sum(),
    )


def _draw(axis: Axes, title: str, image: np.ndarray) -> None:
    axis.imshow(_to_show(image), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=_FONT_SIZE, pad=3)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _draw_curves(axis: Axes, rows: Sequence[Restored]) -> None:
    """Draws PSNR over the shown t, a curve a row, whose name stands at its end."""
    for row in rows:
        steps = list(row.estimates)
        psnr = [psnr_of(image, row.clean) for image in row.estimates.values()]
        (line,) = axis.plot(steps, psnr, marker=".")
        axis.annotate(
            row.title.splitlines()[-1],
            (steps[-1], psnr[-1]),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            fontsize=_FONT_SIZE,
        )
    axis.set_xscale("log")
    axis.set_xticks(steps, [str(t) for t in steps])
    axis.minorticks_off()
    # Room for the names.
    axis.set_xlim(0.8, 2.2 * steps[-1])
    axis.margins(y=0.15)
    axis.tick_params(labelsize=_FONT_SIZE - 1)
    axis.set_title("PSNR in dB over t", fontsize=_FONT_SIZE, pad=3)
    axis.spines[["top", "right"]].set_visible(False)


def _inside_ticks(top: float, width: float) -> tuple[float, float, float, float]:
    """Returns where curves stand in a square slot, with room for what is around."""
    return _TICKS, top + 2 * _LINE, width - _TICKS, top - 2 * _LINE - _TICKS / 2


def _title_height(panels: Iterable[tuple[str, np.ndarray]]) -> float:
    """Returns the room above pictures that the longest of their titles needs."""
    return _LINE * max(title.count("\n") + 1 for title, _ in panels) + _GAP


def _clean_images(rows: Sequence[Restored]) -> dict[str, np.ndarray]:
    """Returns the clean images by title, each once."""
    clean = {}
    for row in rows:
        clean.setdefault(f"clean: {row.image}" if row.image else "clean", row.clean)
    return clean


def _turn(rows: Sequence[Restored], grid: Sequence[Sequence[_Panel]]) -> list:
    """Returns columns for rows, with the rows' titles above."""
    headed = [
        [(f"{row.title}\n{title}", image), *others]
        for row, ((title, image), *others) in zip(rows, grid, strict=True)
    ]
    return list(zip(*headed, strict=True))


def _panels(row: Restored) -> list[_Panel]:
    def titled(name: str, image: np.ndarray, clip: bool = True) -> _Panel:
        return f"{name}: {psnr_of(image, row.clean, clip):.2f} dB", image

    observed = row.observation is not None
    return [
        *([titled(row.observed, row.observation, clip=False)] if observed else []),
        *(titled(f"t = {t}", image) for t, image in row.estimates.items()),
    ]


def _to_show(image: np.ndarray) -> np.ndarray:
    image = np.clip(image, 0.0, 1.0)
    return image[..., 0] if image.shape[-1] == 1 else image
