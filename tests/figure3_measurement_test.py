"""Tests of the measurements of Figure 3."""

import dataclasses
import shutil

import numpy as np
import pytest

from paper_experiments.common import image_sets, provenance, run
from paper_experiments.common.errors import UserError
from paper_experiments.figure3 import measurement as figure3
from rim_tf import RIM, metrics
from rim_tf.forward_models import Inpainting


class _Constant:
    """A cell that adds the same to all pixels of eta, in every step."""

    def __init__(self, update):
        self._update = update

    def get_initial_state(self, batch_size, height, width):
        return []

    def __call__(self, inputs, states):
        return 0.0 * inputs[..., :1] + self._update, states


def _random_patches():
    generator = np.random.default_rng(0)
    return generator.uniform(0.2, 0.8, size=(5, 32, 32, 1)).astype(np.float32)


@pytest.fixture(name="patches")
def _patches():
    return _random_patches()


@pytest.fixture(name="measurement")
def _measurement(patches, tmp_path):
    models = {"nothing": _model(0.0), "brighter": _model(0.5)}
    return figure3.PatchTest(models, patches, 2, 0, tmp_path / "measured")


def _model(update, cell=_Constant):
    model = RIM(cell(update))
    model.build()
    return model


def _curves(measurement):
    return figure3.to_curves(measurement.run().psnr, measurement.models)


def test_measures_each_model_from_the_first_estimate(measurement, patches):
    curves = _curves(measurement)
    assert len(curves) == len(figure3.TASKS) * len(figure3.FRACTIONS)
    for panel, row in curves.items():
        assert list(row) == ["nothing", "brighter"]
        for curve in row.values():
            assert curve.mean.shape == curve.deviation.shape == (3,)
        seeds = [figure3.operator_seed(0, i) for i in range(len(patches))]
        forward_model = figure3.TASKS[panel.task](panel.fraction, seeds)
        observation = figure3.observe(patches, forward_model, 0, 0)
        first = np.clip(np.asarray(forward_model.adjoint(observation)), 0.01, 0.99)
        eta = np.log(first / (1 - first))
        for t in range(3):
            for name, update in (("nothing", 0), ("brighter", 0.5)):
                expected = metrics.psnr(1 / (1 + np.exp(-eta - t * update)), patches)
                curve = row[name]
                np.testing.assert_allclose(curve.psnr[t], expected, atol=1e-3)
                assert curve.mean[t] == pytest.approx(expected.mean(), abs=1e-3)
                assert curve.deviation[t] == pytest.approx(expected.std(), abs=1e-3)


def test_patches_restored_without_any_error_leave_means_finite(tmp_path):
    black = np.zeros((2, 32, 32, 1), np.float32)
    models = {"darker": _model(-1e4)}
    measurement = figure3.PatchTest(models, black, 1, 0, tmp_path / "measured")
    for row in _curves(measurement).values():
        assert row["darker"].mean[1] == pytest.approx(174.6, abs=0.1)
        assert row["darker"].deviation[1] == 0


@pytest.fixture(name="kept", scope="module")
def _kept(tmp_path_factory):
    """A measurement that is done, in batches of two patches, and its outcome."""
    models = {"nothing": _model(0.0), "brighter": _model(0.5)}
    folder = tmp_path_factory.mktemp("measured")
    measurement = figure3.PatchTest(models, _random_patches(), 2, 0, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure3, "_BATCH_SIZE", 2)
        patch.setattr(provenance, "commit", lambda: "first")
        return measurement, measurement.run()


@pytest.fixture(name="measured_batches")
def _measured_batches(monkeypatch):
    """The numbers of batches, of two patches, that were measured and not kept."""
    numbers = []
    measure = figure3.PatchTest._measure

    def counted(self, number, bar):
        numbers.append(number)
        return measure(self, number, bar)

    monkeypatch.setattr(figure3, "_BATCH_SIZE", 2)
    monkeypatch.setattr(figure3.PatchTest, "_measure", counted)
    return numbers


@pytest.fixture(name="copy")
def _copy(kept, tmp_path):
    """The same measurement with a folder of its own."""
    measurement, _ = kept
    folder = shutil.copytree(measurement.folder, tmp_path / "copy")
    return dataclasses.replace(measurement, folder=folder)


@pytest.mark.parametrize("damage", ["missing", "empty", "broken"])
def test_interrupted_measurement_goes_on(kept, copy, measured_batches, damage):
    _, whole = kept
    assert whole.psnr.shape == (len(figure3.PANELS), 2, 3, 5)
    assert copy.num_kept() == 5
    path = copy.folder / "batch_001.npz"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else 1000])
    assert copy.num_kept() == 3
    again = copy.run()
    assert measured_batches == [1]
    assert copy.num_kept() == 5
    assert copy.estimate_seconds() == 0
    np.testing.assert_array_equal(again.psnr, whole.psnr)


def test_time_and_versions_are_those_of_all_batches(
    kept, copy, measured_batches, monkeypatch
):
    _, first = kept
    assert first.commits == {"first"}
    (copy.folder / "batch_002.npz").unlink()
    monkeypatch.setattr(provenance, "commit", lambda: "second")
    again = copy.run()
    assert again.commits == {"first", "second"}
    assert again.seconds > first.seconds / 3


def test_more_patches_go_on_with_whole_batches(copy, measured_batches):
    """Those of a smaller number are a part of them; half a batch is done again."""
    smaller = dataclasses.replace(copy, patches=copy.patches[:3])
    # The batch of two is kept, that of one is another one than that of two.
    assert smaller.num_kept() == 2
    smaller.run()
    assert measured_batches == [1]
    copy.run()
    assert measured_batches == [1, 1]


@pytest.mark.parametrize(
    ("changed", "num_kept"),
    [
        *[(name, 0) for name in ("weights", "cell", "name", "num_steps", "seed")],
        *[("sigma", 0), ("versions", 0), ("patches", 2), ("commit", 5)],
    ],
)
def test_what_was_measured_otherwise_is_measured_again(
    kept, monkeypatch, changed, num_kept
):
    measurement, _ = kept
    monkeypatch.setattr(figure3, "_BATCH_SIZE", 2)
    trained = _model(0.5)
    trained.phi_epsilon.assign(1.0)
    one, other = measurement.models.values()
    # With the weights of the first, which are none.
    other_cell = _model(0.5, type("_Other", (_Constant,), {}))
    first, last = measurement.patches[:3], measurement.patches[3:4]
    changes = {
        "weights": {"models": {"nothing": one, "brighter": trained}},
        "cell": {"models": {"nothing": one, "brighter": other_cell}},
        "name": {"models": {"nothing": one, "other": other}},
        # The second batch is another one, the third is gone.
        "patches": {"patches": np.concatenate([first, 1 - last])},
        "num_steps": {"num_steps": 1},
        "seed": {"seed": 1},
    }
    if changed == "sigma":
        monkeypatch.setattr(figure3, "SIGMA", 1 / 16)
    if changed == "versions":
        monkeypatch.setattr(provenance, "versions", lambda: {"keras": "another"})
    # The commit is told, and is no reason.
    monkeypatch.setattr(provenance, "commit", lambda: "second")
    again = dataclasses.replace(measurement, **changes.get(changed, {}))
    assert again.num_kept() == num_kept


@pytest.mark.parametrize("task", ["Fourier", "inpainting"])
def test_each_patch_has_a_mask_of_its_own(task):
    masks = np.asarray(figure3.TASKS[task](0.4, [1, 2, 3]).mask)
    assert masks.shape[:3] == (3, 32, 32)
    assert len({mask.tobytes() for mask in masks}) == 3
    np.testing.assert_array_equal(
        masks[1:2], figure3.TASKS[task](0.4, [2]).mask, strict=True
    )


def test_noise_has_the_level_that_is_told():
    clean = np.full((50, 32, 32, 1), 0.5, np.float32)
    noisy = figure3.observe(clean, Inpainting(np.ones((32, 32, 1))), 0, 0)
    assert (noisy - clean).std() == pytest.approx(1 / 32, rel=0.02)


def test_random_streams_are_apart():
    """Operators and noise, of all seeds and numbers."""
    clean = np.zeros((1, 8, 8, 1), np.float32)
    known = Inpainting(np.ones((8, 8, 1)))
    firsts = [
        first
        for seed in range(3)
        for number in range(3)
        for first in (
            # What an operator begins with, and what the noise begins with.
            _first(figure3.operator_seed(seed, number)),
            32 * figure3.observe(clean, known, seed, number)[0, 0, 0, 0],
        )
    ]
    # Those that the choice of patches and the models' seeds begin with.
    firsts += [_first(seed) for seed in range(3)]
    assert len(np.unique(np.round(firsts, 5))) == len(firsts) == 21


def _first(seed):
    return np.random.default_rng(seed).standard_normal(1, np.float32)[0]


def test_smaller_numbers_of_patches_are_a_part_of_larger_ones():
    """Drawn from all images that have room for one."""
    generator = np.random.default_rng(0)
    shapes = {"small": (31, 60, 3), "a": (40, 36, 3), "b": (64, 48, 3)}
    images = {i: generator.integers(0, 256, s, np.uint8) for i, s in shapes.items()}
    gray = figure3.to_gray(image_sets.TestImages("mine", images, {}, {}))
    assert [image.shape for image in gray] == [(40, 36, 1), (64, 48, 1)]
    few, many = (figure3.draw_patches(gray, number, 0) for number in (5, 20))
    np.testing.assert_array_equal(few.to_numpy(), many.to_numpy()[:5])
    assert set(many.images_of(np.arange(20))) == {0, 1}


def test_images_without_room_for_a_patch():
    image = np.zeros((31, 60, 3), np.uint8)
    with pytest.raises(UserError, match="--images: no image is as large as a patch"):
        figure3.to_gray(
            image_sets.TestImages("mine", {"a": image}, {"a": 0}, {"mine": ["a"]})
        )


def test_overwrite_deletes_the_result_before_it_measures(
    tmp_path, monkeypatch, measurement
):
    """So that, interrupted, the same command without it goes on."""
    for name in ("result.json", "table.md", "figure3.png", "measured/batch_000.npz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(figure3.PatchTest, "run", interrupted)
    monkeypatch.setattr(figure3.PatchTest, "estimate_seconds", lambda self: 0)
    of_run = run.Run("s", {"overwrite": True, "seed": 0}, tmp_path, "float32", 1, 0.0)
    patches = figure3.draw_patches([np.zeros((32, 32, 1), np.uint8)], 1, 0)
    with pytest.raises(KeyboardInterrupt):
        figure3.measure({}, patches, of_run)
    assert [path.name for path in tmp_path.iterdir()] == ["figure3.png"]


def test_records_are_of_the_steps_asked_for_with_the_value_of_each_patch():
    psnr = np.arange(51.0)[:, np.newaxis] + np.array([0.0, 2.0])
    curves = {panel: {"RIM": figure3.Curve(psnr)} for panel in figure3.PANELS}
    records = figure3.to_measured(curves, "images", [20, 50])
    assert len(records) == 2 * len(figure3.PANELS)
    assert records[0].condition == {"task": "Gaussian", "p": 0.2, "t": 20}
    assert records[0].mean == 21
    assert records[1].condition["t"] == 50
    assert records[1].per_image == {"patch 0": 50.0, "patch 1": 52.0}
    assert (records[1].test_set, records[1].num_images) == ("images", 2)
