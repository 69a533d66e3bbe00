"""Tests of Figures 3 and 4, and of the script that draws README's pictures."""

import types

import numpy as np
import pytest
import skimage.data
from PIL import Image

import rim_tf
from paper_experiments.common import denoising, figures, table
from paper_experiments.common.table import NUMBERS_FOLDER
from paper_experiments.figure3 import measurement, pictures
from rim_tf import metrics, pretrained
from rim_tf.cells import RIMCell

_SHIPPED = NUMBERS_FOLDER / "measured" / "figure3_curves.csv"
_TASKS = len(measurement.TASKS)


@pytest.fixture(name="curves")
def _curves():
    """Made of the shipped ones, with a few patches."""
    generator = np.random.default_rng(0)

    def curve(shipped):
        noise = generator.normal(size=(len(shipped.mean), 6))
        return measurement.Curve(shipped.mean[:, None] + noise)

    return {
        panel: {name: curve(shipped) for name, shipped in by_model.items()}
        for panel, by_model in pictures.read_curves(_SHIPPED).items()
    }


def _lines(axis, label):
    return [line for line in axis.lines if line.get_label() == label]


def test_curves_are_read_as_they_were_written(tmp_path, curves):
    pictures.write_curves(curves, tmp_path / "curves.csv")
    read = pictures.read_curves(tmp_path / "curves.csv")
    assert list(read) == list(curves)
    for panel, by_model in read.items():
        assert list(by_model) == ["RIM", "GDN", "FFN"]
        for name, curve in by_model.items():
            written = curves[panel][name]
            np.testing.assert_allclose(curve.mean, written.mean, atol=1e-3)
            np.testing.assert_allclose(curve.deviation, written.deviation, atol=1e-3)


def test_figure_3_has_a_row_for_p_and_one_of_differences(tmp_path, drawn, curves):
    images = np.array([0, 0, 1, 1, 2, 2])
    pictures.save_curves(curves, tmp_path / "figure3.png", images)
    (figure,) = drawn
    assert len(figure.axes) == _TASKS * (len(measurement.FRACTIONS) + 1)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:-_TASKS] == [panel.title for panel in measurement.PANELS]
    assert titles[-_TASKS:] == [
        f"{task}: difference to the RIM" for task in measurement.TASKS
    ]
    for axis, by_model in zip(figure.axes, curves.values(), strict=False):
        for name, curve in by_model.items():
            (line,) = _lines(axis, name)
            np.testing.assert_array_equal(line.get_ydata(), curve.mean)
    for axis, task in zip(figure.axes[-_TASKS:], measurement.TASKS, strict=True):
        panels = [panel for panel in curves if panel.task == task]
        shades = iter(axis.collections)
        lines = {name: iter(_lines(axis, name)) for name in ("GDN", "FFN")}
        for panel in panels:
            for name in ("GDN", "FFN"):
                other, rim = curves[panel][name], curves[panel]["RIM"]
                expected = (other.psnr - rim.psnr).mean(axis=1)
                line = next(lines[name]).get_ydata()
                np.testing.assert_allclose(line, expected, atol=1e-9)
                error = table.standard_error(other.psnr[7] - rim.psnr[7], images)
                (path,) = next(shades).get_paths()
                ends = [y for x, y in path.vertices if x == 7]
                np.testing.assert_allclose(
                    [min(ends), max(ends)], expected[7] + np.array([-error, error])
                )
    assert "standard error for other images" in figure.get_supxlabel()


def test_the_difference_of_the_ffn_can_be_read(tmp_path, drawn):
    """In the shipped picture all of it is in view once the curves are flat."""
    pictures.save_curves(pictures.read_curves(_SHIPPED), tmp_path / "figure3.png")
    (figure,) = drawn
    above, differences = figure.axes[:-_TASKS], figure.axes[-_TASKS:]
    assert len({axis.get_ylim() for axis in above}) == 1
    bottom, top = differences[0].get_ylim()
    assert {axis.get_ylim() for axis in differences} == {(bottom, top)}
    # A tenth of a dB is to be seen; the axis above has tens.
    assert top - bottom < 5
    for axis in differences:
        assert not axis.collections
        for line in _lines(axis, "FFN"):
            settled = line.get_ydata()[10:]
            assert (settled > bottom).all()
            assert (settled < 0).all()
    # What cannot be seen is said.
    (said,) = (text.get_text() for text in differences[0].texts)
    assert said == "GDN ends at -5.9 / -7.8 / -8.5 dB"
    (said,) = (text.get_text() for text in differences[2].texts)
    assert said == "GDN ends at -3.8 dB"
    assert "standard error" not in figure.get_supxlabel()
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [
        "RIM",
        "GDN",
        "FFN",
        *(f"last row: p = {p}" for p in (0.2, 0.4, 0.6)),
    ]


def test_line_at_t_20_only_where_the_curves_go_so_far(tmp_path, drawn, curves):
    short = {
        panel: {n: measurement.Curve(c.psnr[:4]) for n, c in by_model.items()}
        for panel, by_model in curves.items()
    }
    pictures.save_curves(short, tmp_path / "a.png", np.arange(6))
    (figure,) = drawn
    assert "dashed" not in figure.get_supxlabel()
    assert not any(line.get_linestyle() == "--" for line in figure.axes[0].lines)


@pytest.fixture(name="figure4", scope="module")
def _figure4(tmp_path_factory):
    """Figure 4 of models that brighten by another step each."""
    models = {name: _Model(step) for name, step in (("RIM", 1), ("GDN", 2), ("FFN", 3))}
    path = tmp_path_factory.mktemp("figure4") / "figure4.png"
    image = np.random.default_rng(0).integers(50, 200, (140, 160, 1), np.uint8)
    saved, save = [], figures.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            figures, "save", lambda figure, p: saved.append(figure) or save(figure, p)
        )
        patch.setattr(
            measurement,
            "estimates",
            lambda model, observation, forward_model, num_steps: [
                model.estimate(observation, forward_model, t)
                for t in range(num_steps + 1)
            ],
        )
        pictures.save_figure4(models, image, 0, 50, path)
    return saved[0], image[6:134, 16:144] / np.float32(255), models, path


class _Model:
    def __init__(self, step):
        self.step = step

    def estimate(self, observation, forward_model, t):
        start = np.clip(np.asarray(forward_model.adjoint(observation)), 0.01, 0.99)
        return start + t * self.step / 1000


def test_figure_4_shows_clean_and_t_0_once(figure4):
    figure, clean, _, _ = figure4
    titles = [axis.get_title() for axis in figure.axes]
    assert sum("clean" in title for title in titles) == 1
    starts = [title for title in titles if "t = 0" in title]
    assert [title.splitlines()[0] for title in starts] == [
        "Fourier, p = 0.4",
        "inpainting, p = 0.4",
        "blur of 1.6 pixels",
    ]
    for title in starts:
        assert title.splitlines()[1] == "t = 0: $A^T y$, clipped"
    for axis in figure.axes[1:4]:
        shown = np.asarray(axis.images[0].get_array())
        psnr = metrics.psnr(shown[None, ..., None], clean[None])[0]
        assert axis.get_title().splitlines()[2] == f"{psnr:.2f} dB, $\\sigma$ = 1/32"
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), clean[..., 0])


def test_figure_4_has_a_column_for_task_and_model_and_a_row_for_t(figure4):
    figure, clean, models, _ = figure4
    grid = np.array(figure.axes[4:]).reshape(5, 9)
    for row, t in zip(grid, (1, 3, 10, 20, 50), strict=True):
        for column, axis in enumerate(row):
            start = np.asarray(figure.axes[1 + column // 3].images[0].get_array())
            step = list(models.values())[column % 3].step
            expected = np.clip(start + t * step / 1000, 0, 1)
            shown = np.asarray(axis.images[0].get_array())
            np.testing.assert_allclose(shown, expected, atol=1e-6)
            psnr = metrics.psnr(shown[None, ..., None], clean[None])[0]
            assert axis.get_title().splitlines()[-1] == f"t = {t}: {psnr:.2f} dB"
    headings = [axis.get_title().splitlines()[:2] for axis in grid[0]]
    assert headings[3:6] == [["inpainting, p = 0.4", name] for name in models]


def test_figure_4_has_half_its_former_height(figure4):
    """It was 1.54 times as high as wide, and 16.2 inches."""
    width, height = figure4[0].get_size_inches()
    assert height < 16.2 / 2
    assert height / width < 1.54 / 2


@pytest.mark.parametrize("size", [(45, 60), (200, 140)])
def test_figure_4_is_of_the_middle_of_an_image(tmp_path, drawn, size):
    """Of what there is, if it is small; of the steps that there are."""
    image = skimage.data.camera()[: size[0], : size[1], None]
    model = rim_tf.RIM(RIMCell(features=4, state_features=6))
    pictures.save_figure4({"RIM": model}, image, 0, 3, tmp_path / "figure4.png")
    (figure,) = drawn
    assert [axis.get_title().split(":")[0] for axis in figure.axes] == [
        "clean",
        *(f"{task}\nt = 0" for task in pictures._figure4_tasks((8, 8), 0)),
        *(f"{task}\nRIM\nt = 1" for task in pictures._figure4_tasks((8, 8), 0)),
        *(3 * ["t = 3"]),
    ]
    shown = np.asarray(figure.axes[0].images[0].get_array())
    expected = image[36:164, 6:134, 0] if size == (200, 140) else image[:44, 8:52, 0]
    np.testing.assert_allclose(shown, expected / 255, rtol=1e-6)


def test_titles_of_figure_4_do_not_touch(figure4):
    figure = figure4[0]
    figure.draw_without_rendering()
    boxes = [axis.title.get_window_extent() for axis in figure.axes]
    for i, one in enumerate(boxes):
        assert one.x0 > -3
        assert one.x1 < figure.bbox.x1 + 3
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


@pytest.mark.parametrize("seed", range(5))
def test_figure_4_knows_how_bright_the_image_is(seed):
    projection = pictures._fourier_projection_with_mean((16, 16), 0.2, seed)
    image = np.full((1, 16, 16, 1), 0.5, np.float32)
    known = projection.adjoint(projection.forward(image))
    np.testing.assert_allclose(known, image, atol=1e-5)


def test_readme_picture_of_figure_3_is_the_shipped_one(tmp_path, run_here):
    finished = run_here("readme_pictures", "figure3", f"--output_dir={tmp_path}")
    assert f"Wrote {tmp_path / 'figure3.png'}." in finished.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["figure3.png"]
    shipped = NUMBERS_FOLDER.parent / "figure3.png"
    with Image.open(tmp_path / "figure3.png") as new, Image.open(shipped) as old:
        assert new.size == old.size
        # Another version of Matplotlib draws letters a little otherwise.
        difference = np.asarray(new.convert("L"), float) - old.convert("L")
        assert np.abs(difference).mean() < 3


def test_readme_estimates_are_of_three_photographs(
    tmp_path, drawn, functions_of, monkeypatch
):
    """One of them has texture; the estimates of a model that does nothing."""

    def restore_all(model, observations, num_steps, description, kept):
        (name,) = observations.test.images
        clean, noisy = observations.clean(name), observations.noisy(name)
        estimates = {1: noisy, num_steps: clean + 0.01}
        title = f"sigma {observations.sigma}"
        return {}, figures.Restored(title, clean, noisy, estimates, image=name)

    monkeypatch.setattr(denoising, "restore_all", restore_all)
    monkeypatch.setattr(pretrained, "load_pretrained", lambda name, dtype: name)
    run = types.SimpleNamespace(output_dir=tmp_path, seed=0, dtype="float32")
    functions_of("readme_pictures").draw_estimates(run)
    (figure,) = drawn
    photographs = ("chelsea", "grass", "astronaut")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:3] == [f"clean: {name}" for name in photographs]
    shown = [np.asarray(axis.images[0].get_array()) for axis in figure.axes]
    assert {image.shape for image in shown} == {(192, 192)}
    rows = zip(photographs, (15, 25, 50), shown, figure.axes[3::3], strict=False)
    for name, sigma, clean, axis in rows:
        whole = np.rint(255 * clean).astype(np.uint8)
        photograph = getattr(skimage.data, name)()
        if photograph.ndim == 3:
            photograph = rim_tf.images.to_gray(photograph)[..., 0]
        windows = np.lib.stride_tricks.sliding_window_view(photograph, (192, 192))
        assert (windows[::10, ::10] == whole).all(axis=(2, 3)).any()
        assert axis.get_ylabel() == f"RIM-denoise\nsigma {sigma}"
        psnr = float(axis.get_title().removeprefix("noisy: ").removesuffix(" dB"))
        assert psnr == pytest.approx(-20 * np.log10(sigma / 255), abs=0.1)
    # Texture: neighbours differ far more than in the others.
    roughness = [np.abs(np.diff(image)).mean() for image in shown[:3]]
    assert roughness[1] > 1.5 * max(roughness[0], roughness[2])


@pytest.mark.parametrize(
    "name", ["figure3.png", "figure4_embedded.jpg", "estimates_embedded.jpg"]
)
def test_shipped_pictures_are_small(name):
    assert (NUMBERS_FOLDER.parent / name).stat().st_size < 300_000


def test_unknown_picture_is_refused(check_refused):
    check_refused("readme_pictures", "figure9", message="no picture figure9")
