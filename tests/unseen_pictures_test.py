"""Tests of the picture of all forward models."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from paper_experiments.unseen import pictures
from paper_experiments.unseen.measurement import Kept


def _kept(**psnr):
    names = {"RIM": "RIM, t = 20", "later": "RIM, t = 50"}
    psnr = {names.get(name, name): value for name, value in psnr.items()}
    gray = {n: np.full((40, 60, 1), v, np.uint8) for n, v in psnr.items()}
    return Kept(psnr, gray, frozenset())


def test_shows_the_best_classic_and_the_rim_asked_for(tmp_path, drawn):
    kept = {
        "half of the pixels": _kept(
            observation=10.0, biharmonic=30.5, TV=29.0, PnP=31.0, RIM=32.0, later=33.0
        ),
        "blur": _kept(observation=20.0, Wiener=27.0, TV=28.0, PnP=29.0, RIM=30.0),
    }
    path = tmp_path / "a.png"
    pictures.save(kept, np.full((40, 60, 1), 0.5), "RIM, t = 20", path)
    (figure,) = drawn
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [
        *("observation\n10.0 dB", "biharmonic\n30.5 dB", "PnP\n31.0 dB"),
        "RIM, t = 20\n32.0 dB",
        *("observation\n20.0 dB", "TV\n28.0 dB", "PnP\n29.0 dB"),
        "RIM, t = 20\n30.0 dB",
        "clean",
    ]
    shown = [float(axis.images[0].get_array().mean()) * 255 for axis in figure.axes[:4]]
    np.testing.assert_allclose(shown, [10, 30, 31, 32], atol=1e-3)
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert [label for label in labels if label] == [
        *("half of the\npixels", "blur", "the truth")
    ]
    assert min(Image.open(path).size) > 300
    # Nothing lies on another, or leaves the page.
    FigureCanvasAgg(figure).draw()
    boxes = [axis.title.get_window_extent() for axis in figure.axes]
    boxes += [axis.get_window_extent() for axis in figure.axes]
    boxes += [a.yaxis.label.get_window_extent() for a in figure.axes if a.get_ylabel()]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 - 1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1
        assert sum(box.overlaps(other) for other in boxes) == 1, box
