"""Tests of the pictures and numbers of Figures 3 and 4."""

import csv
import pathlib

import numpy as np
import pytest
import skimage.data

import rim_tf
from paper_experiments.common import figures, run
from paper_experiments.figure3 import measurement, pictures
from rim_tf.cells import RIMCell


@pytest.fixture(name="drawn")
def _drawn(monkeypatch):
    """The figures that were saved."""
    saved, save = [], figures.save
    monkeypatch.setattr(
        figures, "save", lambda figure, path: saved.append(figure) or save(figure, path)
    )
    return saved


def _curves(num_steps):
    psnr = np.linspace(10, 30, num_steps + 1)[:, None] + np.array([-1.0, 1.0])
    return psnr, {
        panel: {name: measurement.Curve(psnr) for name in ("RIM", "GDN")}
        for panel in measurement.PANELS
    }


@pytest.mark.parametrize("num_steps", [3, 50])
def test_curves_are_drawn_with_the_end_of_training(tmp_path, drawn, num_steps):
    """Where there is one: a panel for a task and p, a line and a shade for a model."""
    psnr, curves = _curves(num_steps)
    pictures.save_curves(curves, tmp_path / "figure3.png")
    assert (tmp_path / "figure3.png").exists()
    (figure,) = drawn
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [panel.title for panel in measurement.PANELS]
    for axis in figure.axes:
        lines = [line for line in axis.lines if len(line.get_xdata()) > 2]
        assert [line.get_label() for line in lines] == ["RIM", "GDN"]
        np.testing.assert_allclose(lines[0].get_ydata(), psnr.mean(axis=1))
        dashed = [line for line in axis.lines if line not in lines]
        assert [line.get_xdata()[0] for line in dashed] == [20] * (num_steps == 50)
        shade = axis.collections[0].get_paths()[0].vertices
        assert shade[:, 1].min() == pytest.approx(9)
        assert shade[:, 1].max() == pytest.approx(31)
    assert ("dashed: t = 20" in figure.get_supxlabel()) == (num_steps == 50)


def test_numbers_of_the_curves(tmp_path):
    psnr, curves = _curves(3)
    pictures.write_curves(curves, tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(measurement.PANELS) * 2 * 4
    assert rows[1] == {
        "task": "Gaussian",
        "p": "0.2",
        "model": "RIM",
        "t": "1",
        "mean": f"{psnr[1].mean():.3f}",
        "standard_deviation": "1.000",
    }


@pytest.mark.parametrize("size", [(45, 60), (200, 140)])
def test_figure_4_is_of_the_middle_of_an_image(tmp_path, drawn, size):
    """Of what there is, if it is small; of the steps that there are."""
    image = skimage.data.camera()[: size[0], : size[1], None]
    model = rim_tf.RIM(RIMCell(features=4, state_features=6))
    of_run = run.Run("s", {"seed": 0}, pathlib.Path("out"), "float32", 3, 0.0)
    pictures.save_figure4({"RIM": model}, image, of_run, tmp_path / "figure4.png")
    assert (tmp_path / "figure4.png").exists()
    (figure,) = drawn
    row = figure.axes[:4]
    assert [axis.get_title().split(":")[0] for axis in row] == [
        *("clean", "t = 0", "t = 1", "t = 3"),
    ]
    assert [axis.get_ylabel() for axis in figure.axes[::4]] == [
        "Fourier, p = 0.4\nRIM",
        "inpainting, p = 0.4\nRIM",
        "blur of 1.6 pixels\nRIM",
    ]
    shown = np.asarray(row[0].images[0].get_array())
    expected = image[36:164, 6:134, 0] if size == (200, 140) else image[:44, 8:52, 0]
    np.testing.assert_allclose(shown, expected / 255, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_figure_4_knows_how_bright_the_image_is(seed):
    projection = pictures._fourier_projection_with_mean((16, 16), 0.2, seed)
    image = np.full((1, 16, 16, 1), 0.5, np.float32)
    known = projection.adjoint(projection.forward(image))
    np.testing.assert_allclose(known, image, atol=1e-5)
