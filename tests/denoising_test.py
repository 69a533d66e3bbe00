"""Tests of how the denoising tables come about."""

import json
import types

import numpy as np
import pytest
import skimage.data

from paper_experiments.common import denoising, image_sets, method_files, run, table
from paper_experiments.common.conditions import DenoisingTable
from paper_experiments.common.kept_values import KeptValues
from paper_experiments.common.observations import Observations, psnr_of

_SPEC = DenoisingTable(
    color="gray",
    sigmas=(15, 25, 50),
    quantized=False,
    weights={"RIM-denoise": "rim_denoise", "RIM-3task": "rim_3task"},
)


@pytest.fixture(name="test_images")
def _test_images():
    image = skimage.data.astronaut()[:40, 150:198]
    images = {"a": image, "b": image[::-1]}
    sets = {"68": ["b"], "100": ["a", "b"]}
    return image_sets.TestImages("bsds300", images, {"a": 0, "b": 1}, sets, ("Few.",))


@pytest.fixture(name="of_run")
def _of_run(tmp_path):
    flags = {"method": [], "num_images": None, "rows": None, "weights": None}
    flags |= {"seed": 0, "overwrite": False}
    return run.Run("table2_denoise", flags, tmp_path, "float32", 20, 0.0)


def _rows(of_run, test):
    methods = method_files.Methods(of_run.flags["method"])
    return denoising._Rows(_SPEC, of_run, test, methods, KeptValues())


@pytest.fixture(name="clean_at_the_end")
def _clean_at_the_end(monkeypatch, test_images):
    """Estimates that go from the observation to an error of 0.01, or that of a model.

    Models are numbers.
    """
    tried = []

    def iterate(model, observation, sigma, num_steps):
        tried.append((sigma, num_steps))
        noisy = {
            image_id: Observations(test_images, 255 * sigma, "gray", False, 0)
            for image_id in test_images.images
        }
        (clean,) = (
            o.clean(i)
            for i, o in noisy.items()
            if np.allclose(o.noisy(i), observation[0], atol=1e-5)
        )
        yield from (num_steps - 1) * [observation]
        yield clean[None] + np.float32(model)

    monkeypatch.setattr(denoising, "iterate", iterate)
    monkeypatch.setattr(
        denoising.provenance, "fingerprint", lambda models, but: repr(models)
    )
    return tried


def test_restores_all_images_and_shows_the_first(test_images, clean_at_the_end):
    observations = Observations(test_images, 25, "gray", False, 0)
    psnr, picture = denoising.restore_all(0.01, observations, 20, "RIM", KeptValues())
    assert psnr == pytest.approx({"a": 40, "b": 40}, abs=0.1)
    assert clean_at_the_end == 2 * [(25 / 255, 20)]
    assert picture.title == r"$\sigma$ = 25"
    assert picture.image == "a"
    assert list(picture.estimates) == [1, 3, 10, 20]
    np.testing.assert_array_equal(picture.clean, observations.clean("a"))
    np.testing.assert_array_equal(picture.observation, observations.noisy("a"))
    np.testing.assert_array_equal(picture.estimates[1], observations.noisy("a"))


def test_an_interrupted_run_goes_on_where_it_was(
    test_images, clean_at_the_end, tmp_path
):
    asked = 0.01, Observations(test_images, 25, "gray", False, 0), 20, "RIM"
    psnr, _ = denoising.restore_all(*asked, KeptValues(tmp_path))
    assert len(clean_at_the_end) == 2
    # The first image is shown, so that it is restored again; the second is not.
    again, picture = denoising.restore_all(*asked, KeptValues(tmp_path))
    assert again == psnr
    assert len(clean_at_the_end) == 3
    assert picture.image == "a"
    # Other weights, levels of noise and steps are others.
    for model, sigma, steps in ((0.1, 25, 20), (0.01, 15, 20), (0.01, 25, 10)):
        other = Observations(test_images, sigma, "gray", False, 0)
        before = len(clean_at_the_end)
        denoising.restore_all(model, other, steps, "RIM", KeptValues(tmp_path))
        assert len(clean_at_the_end) == before + 2


def test_rows_stand_beside_those_of_the_paper(
    test_images, of_run, clean_at_the_end, capsys
):
    rows = _rows(of_run, test_images)
    rows.add_known()
    pictures = rows.add_model("RIM-denoise", 0.01)
    lines = {line.split("|")[1].strip(): line for line in rows.table.lines}
    heading = lines["PSNR in dB"]
    columns = [column.strip() for column in heading.split("|")[2:-1]]
    assert columns == ["68: 15", "68: 25", "68: 50", "100: 15", "100: 25", "100: 50"]
    names = list(lines)
    assert names.index("BM3D, reported") < names.index("RIM-denoise, reported")
    reported = lines["RIM-denoise, reported"].split("|")[2:5]
    assert [float(value) for value in reported] == [31.31, 28.91, 26.06]
    measured = lines["RIM-denoise, MEASURED"].split("|")[2:-1]
    np.testing.assert_allclose([float(value) for value in measured], 40, atol=0.1)
    # Below a line of its own, and before what is measured here.
    published = [name for name in names if name.endswith(", published")]
    first = names.index("after the paper:")
    assert not "".join(lines["after the paper:"].split("|")[2:]).strip()
    assert names[first + 1 : first + 4] == published
    assert published == [f"{n}, published" for n in ("DnCNN", "FFDNet", "DRUNet")]
    assert first > max(names.index(n) for n in names if n.endswith(", reported"))
    fields = lines["DRUNet, published"].split("|")[2:-1]
    assert [field.strip() for field in fields] == ["31.91", "29.48", "26.59"] + 3 * [""]
    # 24.6, 20.2 and 14.2 dB of the theory; there are few pixels.
    noisy = lines["noisy observation, MEASURED"].split("|")[2:5]
    expected = [-20 * np.log10(sigma / 255) for sigma in (15, 25, 50)]
    np.testing.assert_allclose([float(value) for value in noisy], expected, atol=0.3)
    assert capsys.readouterr().out.splitlines() == rows.table.lines
    # What is measured is kept for result.json: two rows, two sets, three levels.
    assert len(rows.measured) == 2 * 2 * 3
    assert [record.model for record in rows.measured[6:]] == 6 * ["RIM-denoise"]
    assert [picture.title for picture in pictures] == [
        f"RIM-denoise\n$\\sigma$ = {sigma}" for sigma in _SPEC.sigmas
    ]


def test_verdicts_are_about_whole_sets_of_the_paper(of_run, clean_at_the_end):
    """Of 68 images: 31.31, 28.91 and 26.06 dB are reported."""
    image = skimage.data.astronaut()[:8, 150:158]
    ids = [str(number) for number in range(68)]
    test = image_sets.TestImages(
        "bsds300", dict.fromkeys(ids, image), {}, {"68": ids, "100": ids}
    )
    rows = _rows(of_run, test)
    values = dict.fromkeys(ids, 30.0)
    for observations in rows.observations:
        rows.measured += rows._records("RIM-denoise", values, observations)
    assert rows.verdicts() == [
        "* RIM-denoise, measured less reported: -1.31 / +1.09 / +3.94 dB on the 68 "
        "images: **NOT REPRODUCED** (at most 0.15 dB below)."
    ]


@pytest.mark.parametrize("wanted", [False, True])
def test_methods_are_measured_if_wanted(test_images, of_run, monkeypatch, wanted):
    """In detail.png the first of them is compared with, or one that is quick."""
    paths = [of_run.output_dir / f"{name}.py" for name in ("noisy", "bad")]
    for path, divisor in zip(paths, (1, 0), strict=True):
        path.write_text(f"def restore(y, sigma, a):\n    return y * 1 / {divisor}\n")
    monkeypatch.setattr(denoising, "iterate", lambda _, noisy, **__: [noisy])
    drawn = []
    monkeypatch.setattr(
        denoising.figures,
        "save_detail",
        lambda clean, images, path: drawn.append(images),
    )
    of_run.flags["method"] = [str(path) for path in paths] if wanted else []
    # Not those of BSDS-300, which are known.
    images, sets = {"b": test_images.images["b"]}, {"mine": ["b"]}
    test = image_sets.TestImages("mine", images, {"b": 1}, sets)
    rows = _rows(of_run, test)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows.add_known()
    names = [line.split("|")[1].strip() for line in rows.table.lines]
    measured = [name for name in names if name.endswith(", MEASURED")]
    assert measured == [
        *(["noisy (yours), MEASURED"] if wanted else []),
        "noisy observation, MEASURED",
    ]
    rows.save_detail("RIM-denoise", None, of_run.output_dir)
    (titles,) = drawn
    names = [title.split(":")[0] for title in titles]
    assert names == [
        "noisy, sigma 25",
        "noisy (yours)" if wanted else "cycle-spun wavelet",
        "RIM-denoise, t = 20",
    ]


def test_a_method_is_compared_with_rim_denoise(test_images, of_run, clean_at_the_end):
    path = of_run.output_dir / "mine.py"
    path.write_text("def restore(y, sigma, a):\n    return y\n")
    of_run.flags["method"] = [str(path)]
    rows = _rows(of_run, test_images)
    rows.add_known()
    for row in ("RIM-3task", "RIM-denoise"):
        rows.add_model(row, 0.01)
    (note,) = rows.method_notes()
    said = note.removeprefix("* mine (yours), mine.py: less RIM-denoise, mean ±")
    assert said != note
    compared = said.partition("images: ")[2].partition(";")[0].split(", ")
    # One image of the 68; both of the 100.
    assert len(compared) == 6
    by_condition = {
        (s.model, s.test_set, s.condition["sigma"]): s for s in rows.measured
    }
    for text in compared:
        test_set, sigma, value = text.replace(":", "").split()[:3]
        first, second = (
            by_condition[row, test_set, int(sigma)]
            for row in ("mine (yours)", "RIM-denoise")
        )
        assert float(value) == pytest.approx(first.mean - second.mean, abs=0.006)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (None, ["RIM-denoise"]),
        (["RIM-3task"], ["RIM-3task"]),
        (["RIM-3task", "RIM-denoise"], ["RIM-denoise", "RIM-3task"]),
        (["all"], ["RIM-denoise", "RIM-3task"]),
        (["none"], []),
    ],
)
def test_measures_the_rows_that_are_asked_for(
    test_images, of_run, clean_at_the_end, monkeypatch, rows, expected
):
    """In the table's order; the first that is measured is in the pictures."""
    models = {"rim_denoise": 0.01, "rim_3task": 0.1}
    of_run.flags["rows"] = rows
    loaded = []
    monkeypatch.setattr(
        denoising.weights,
        "load",
        lambda name, *_: (models[name], {"name": name, "settings": {}}),
    )
    monkeypatch.setattr(
        denoising.pretrained,
        "load_pretrained",
        lambda name, _: loaded.append(name) or models[name],
    )
    monkeypatch.setattr(denoising.durations, "announce_duration", lambda *_: None)
    shown = types.SimpleNamespace()
    monkeypatch.setattr(
        denoising.figures,
        "save_estimates",
        lambda rows, _: setattr(shown, "rows", rows),
    )
    monkeypatch.setattr(
        denoising.figures, "save_detail", lambda *args: setattr(shown, "detail", args)
    )
    outcome = denoising.measure(_SPEC, of_run, test_images)
    assert list(outcome.weights) == expected
    if not expected:
        assert {r.model for r in outcome.measured} == {"noisy observation"}
        assert outcome.files == []
        assert (
            "* Not measured: RIM-denoise, RIM-3task; --rows=all does." in outcome.notes
        )
        return
    assert outcome.weights[expected[0]]["name"] == _SPEC.weights[expected[0]]
    assert loaded == [_SPEC.weights[row] for row in expected[1:]]
    models_measured = dict.fromkeys(record.model for record in outcome.measured)
    assert [name for name in models_measured if name.startswith("RIM")] == expected
    means = {r.model: r.mean for r in outcome.measured}
    psnr = {"RIM-denoise": 40, "RIM-3task": 20}
    for row in expected:
        assert means[row] == pytest.approx(psnr[row], abs=0.5)
    assert shown.rows[0].title.startswith(f"{expected[0]}\n")
    assert outcome.files == ["estimates.png", "detail.png", "trajectory.html"]
    assert (of_run.output_dir / "trajectory.html").exists()
    assert denoising.figures.TRAJECTORY_NOTE in outcome.notes
    assert outcome.reported == table.read_reported("table2_denoise")
    # What a reader must know stands below.
    assert "* **Few.**" in outcome.notes
    assert any(
        "Images measured: 68: 1, 100: 2. Mean over images" in note
        for note in outcome.notes
    )
    (after,) = (note for note in outcome.notes if note.startswith("* After the paper"))
    assert "cszn/DPIR" in after
    assert "DRUNet: one network of 32.6 million parameters" in after
    for row in expected:
        assert any(
            note.startswith(f"* {row}: T = 20, seed 0, float32. Weights ")
            for note in outcome.notes
        )
    json.dumps(outcome.weights)


def test_what_was_measured_before_on_a_part_is_not_shown_as_the_whole(
    test_images, of_run
):
    """Of the 68 only: nothing stands below the 100."""
    rows = _rows(of_run, test_images)
    record = {
        "model": "RIM-3task",
        "condition": {"sigma": 25},
        "per_image": {"b": 30.0},
    }
    rows.add_measured_before("RIM-3task", {"measured": [record]})
    fields = rows.table.lines[-1].split("|")[1:-1]
    assert [field.strip() for field in fields] == [
        *("RIM-3task, measured before", "", "30.00", "", "", "", ""),
    ]


def test_psnr_of_a_detail_is_that_of_the_whole_image(test_images, of_run, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        denoising.figures,
        "save_detail",
        lambda clean, images, path: drawn.append(images),
    )
    monkeypatch.setattr(denoising, "iterate", lambda _, noisy, **__: [noisy])
    rows = _rows(of_run, test_images)
    rows.save_detail("RIM-denoise", None, of_run.output_dir)
    observations = Observations(test_images, 25, "gray", False, 0)
    clean, noisy = observations.clean("a"), observations.noisy("a")
    titles = list(drawn[0])
    assert titles[0] == f"noisy, sigma 25: {observations.psnr_of_noisy('a'):.2f} dB"
    assert titles[2] == f"RIM-denoise, t = 20: {psnr_of(noisy, clean):.2f} dB"
