"""A page that shows how an estimate comes about: for a browser, and a projector."""

import base64
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from PIL import Image

from rim_tf import arguments, files, images, metrics, pictures, restoration
from rim_tf.forward_models import Denoising, ForwardModel, scaling
from rim_tf.likelihood import LogLikelihood
from rim_tf.rim import RIM

_TEMPLATE = Path(__file__).with_suffix(".html")
_PLACE_OF_DATA = "TRAJECTORY_AS_JSON"
# Of an image the middle is shown. Twenty estimates of this size, in colours, are some
# 15 MB.
_MOST_SIDE = 1024
# Of all pictures together. More of them are written as JPEG.
_MOST_BYTES_OF_PNG = 3_000_000
# Pixels of y are those of x if the largest singular value of A is that near to 1.
_SAME_SCALE = 0.1
_JPEG = {"format": "jpeg", "quality": 92, "subsampling": 0}


class Trajectory(NamedTuple):
    """What a page shows.

    Attributes:
      estimates: x_1 ... x_T, `(height, width, 1 or 3)` in [0, 1].
      beside: What can stand at the left of the divider, by name: one or more, of the
        shape of an estimate.
      clean: The true image, of the same shape, or None.
      residuals: Of each estimate, y - A x in units of sigma, or None.
      title: A heading.
      caption: What is to be said beside it.
    """

    estimates: Sequence[np.ndarray]
    beside: Mapping[str, np.ndarray]
    clean: np.ndarray | None = None
    residuals: Sequence[float] | None = None
    title: str = "Estimates over t"
    caption: str = ""


def show_trajectory(
    estimates: Iterable,
    path: str | Path,
    clean=None,
    observation=None,
    forward_model: ForwardModel | LogLikelihood | None = None,
    sigma: float | None = None,
    title: str = "Estimates over t",
    model: RIM | None = None,
) -> Path:
    """Writes a page with a slider over t, and a divider between before and after.

    One HTML file that needs no other, and no network: double-click it. Its keys are
    named in it. The pictures are PNG, or JPEG where those would be more than 3 MB. Left
    of the divider stands y, or the start of the iteration, or the true image. Of an
    image of more than 1024 rows or columns the page shows the middle, and says so; its
    numbers are those of the whole.

    Args:
      estimates: x_1 ... x_T of one image, as a call of a `RIM` returns them, `(T, 1,
        height, width, channels)`, or what `rim_tf.iterate` yields.
      path: The new file, such as "cat.html".
      clean: The true image, `(1, height, width, channels)` in [0, 1]; gives PSNR.
      observation: y; shown where it has the shape and the scale of an estimate.
      forward_model: The operator A, `rim_tf.Denoising()` if None; shows where the
        iteration begins with it.
      sigma: Standard deviation of the noise in the unit of y; with y it gives the root
        mean square of y - A x in units of sigma.
      title: A heading.
      model: The RIM; if None, one that begins where A has filled what it does not
        measure, see `RIM`.

    Returns:
      The path.

    Raises:
      ValueError: If there is no estimate, a shape is another one, or y is not what the
        forward model measures.

    Example:

        steps = rim_tf.iterate(model, noisy, sigma=0.1)
        rim_tf.show_trajectory(steps, "cat.html", clean, noisy, sigma=0.1)
    """
    shown, residuals = [], []
    residual = _residual_of(observation, forward_model, sigma)
    for estimate in estimates:
        shown.append(pictures.single_image(estimate, "estimates"))
        residuals.append(residual(estimate))
    if not shown:
        raise ValueError("There are no estimates to show.")
    clean = None if clean is None else pictures.single_image(clean, "clean")
    beside = _beside(shown, clean, observation, forward_model, model)
    known = residuals if np.isfinite(residuals).all() else None
    return write(Trajectory(shown, beside, clean, known, title), path)


def _residual_of(observation, forward_model, sigma) -> Callable[[Any], float]:
    if observation is None or not sigma:
        return lambda estimate: np.nan
    problem = ops.convert_to_numpy(observation), sigma, forward_model or Denoising()

    def residual(estimate: Any) -> float:
        return float(restoration.residual(ops.convert_to_numpy(estimate), *problem)[0])

    return residual


def _beside(
    estimates: Sequence[np.ndarray], clean, observation, forward_model, model
) -> dict[str, np.ndarray]:
    beside = {}
    if observation is not None:
        norm = _norm(forward_model, observation)
        has_shape = tuple(observation.shape) == (1, *estimates[0].shape)
        if has_shape and abs(norm - 1) < _SAME_SCALE:
            # What a mask hides may be anything.
            known = np.nan_to_num(ops.convert_to_numpy(observation))
            beside["observation"] = pictures.single_image(known, "y")
        if forward_model is not None:
            beside["start"] = _start(forward_model, observation, norm, model)
        if not beside:
            raise ValueError(
                f"y has the shape {tuple(observation.shape)}, and is no image as x is; "
                "show_trajectory needs its forward_model."
            )
    if clean is not None:
        beside["clean"] = clean
    return beside or {"t = 1": estimates[0]}


def _norm(forward_model, observation) -> float:
    """Returns how much A enlarges; not a number for a `LogLikelihood`."""
    if isinstance(forward_model, LogLikelihood):
        return np.nan
    if forward_model is None:
        return 1.0
    image = scaling.finite_adjoint(forward_model, observation)
    return scaling.norm(forward_model, image)


def _start(forward_model, observation, norm: float, model: RIM | None) -> np.ndarray:
    """Returns where a RIM starts, after the scale of A is taken out."""
    observation = ops.cast(arguments.to_tensor(observation), "float32")
    if norm > 0:
        observation, forward_model = observation / norm, (1 / norm) * forward_model
    if model is None:
        start = forward_model.initial_estimate(observation)
    else:
        start = model.initial_estimate(observation, forward_model)
    return pictures.single_image(start, "starts")


def write(trajectory: Trajectory, path: str | Path) -> Path:
    """Writes a page; see `show_trajectory`.

    Raises:
      ValueError: If the shapes differ.
    """
    path = Path(path).expanduser()
    _check_shapes(trajectory)
    text = json.dumps(_to_json(trajectory), allow_nan=False)
    # Nothing in it may end the element of the page that it stands in.
    text = text.replace("<", "\\u003c")
    page = _TEMPLATE.read_text(encoding="utf-8").replace(_PLACE_OF_DATA, text)
    files.write_text(path, page)
    return path


def _check_shapes(trajectory: Trajectory) -> None:
    first, *others = trajectory.estimates
    others += trajectory.beside.values()
    others += [] if trajectory.clean is None else [trajectory.clean]
    if different := {image.shape for image in others} - {first.shape}:
        raise ValueError(
            f"Estimates are {first.shape}, but another image is {different.pop()}."
        )


def _to_json(trajectory: Trajectory) -> dict[str, Any]:
    first = trajectory.estimates[0]
    (height, width), of_all = _middle(first).shape[:2], first.shape[:2]
    captions = [trajectory.caption] if trajectory.caption else []
    if (height, width) != of_all:
        captions.append(f"the middle of {of_all[1]} x {of_all[0]} pixels")
    shown = [*trajectory.estimates, *trajectory.beside.values()]
    sources = _sources([_middle(image) for image in shown])
    number = len(trajectory.estimates)
    beside = [
        {"name": name, "source": source, **_psnr_of_beside(image, trajectory.clean)}
        for (name, image), source in zip(
            trajectory.beside.items(), sources[number:], strict=True
        )
    ]
    values = None
    if trajectory.clean is not None:
        values = [_psnr(image, trajectory.clean) for image in trajectory.estimates]
    residuals = trajectory.residuals
    return {
        "title": trajectory.title,
        "caption": "; ".join(captions),
        "width": width,
        "height": height,
        "estimates": sources[:number],
        "beside": beside,
        "psnr": values,
        "residual": None if residuals is None else [float(r) for r in residuals],
    }


def _middle(image: np.ndarray) -> np.ndarray:
    rows, columns = (
        slice(max(size - _MOST_SIDE, 0) // 2, (size + _MOST_SIDE) // 2)
        for size in image.shape[:2]
    )
    return image[rows, columns]


def _psnr_of_beside(image: np.ndarray, clean: np.ndarray | None) -> dict[str, Any]:
    return {} if clean is None or image is clean else {"psnr": _psnr(image, clean)}


def _psnr(image: np.ndarray, clean: np.ndarray) -> float | None:
    """Returns dB; None where it is infinite, for which JSON has no word."""
    value = float(metrics.psnr(image[np.newaxis], clean[np.newaxis])[0])
    return value if np.isfinite(value) else None


def _sources(shown: Sequence[np.ndarray]) -> list[str]:
    """Returns pictures as a page holds them, all in one format."""
    pixels = [images.to_8_bits(image) for image in shown]
    encoded = [_encode(image, format="png", optimize=True) for image in pixels]
    kind = "png"
    if sum(map(len, encoded)) > _MOST_BYTES_OF_PNG:
        encoded, kind = [_encode(image, **_JPEG) for image in pixels], "jpeg"
    text = [base64.b64encode(data).decode("ascii") for data in encoded]
    return [f"data:image/{kind};base64,{t}" for t in text]


def _encode(image: np.ndarray, **how: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, **how)
    return file.getvalue()
