"""Tests of `compare.py`, and of the room `comparison/`."""

import json

import numpy as np
import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.comparison import curves, differences, side

_LOG = "epoch,loss,num_steps,patches,seconds,updates,val_psnr\n"


def _result(path, row, values, history=None, **changes):
    """Writes a `result.json` as table scripts do, of three images and two noises."""
    measured = [
        {
            "model": model,
            "test_set": "68",
            "condition": {"sigma": sigma, "quantized": False},
            "metric": "psnr",
            "mean": 0.0,
            "num_images": 3,
            "per_image": dict(zip("abc", shown, strict=True)),
        }
        for sigma, less in ((15, 0.0), (25, 2.0))
        for model, shown in (
            (row, [v - less for v in values]),
            ("noisy observation", [20.0, 20.0, 20.0]),
        )
    ]
    result = {
        **{"script": "table2_denoise", "dataset": "bsds300", "seed": 0},
        "settings": {"num_steps": 20, "precision_used": "float32"},
        "measured": measured,
        "weights": {
            row: history or {"name": "nowhere.weights.h5"},
            "RIM-3task": {"name": "rim_3task", "measured_before": {}},
        },
        **changes,
    }
    path.mkdir(parents=True, exist_ok=True)
    (path / "result.json").write_text(json.dumps(result))
    return path


def _training(folder, name="rim", stages=1, **history):
    """Writes what train.py leaves of a training."""
    history = {"name": name, "validation_psnr": 28.0, **history}
    path = folder / name
    path.mkdir(parents=True)
    (path / f"{name}.weights.h5").touch()
    described = {"history": history, "architecture": {"gradient": "x"}}
    (path / f"{name}.json").write_text(json.dumps(described))
    for stage in range(1, stages + 1):
        (path / f"stage_{stage}").mkdir()
        rows = f"0,0.5,20,16,3.0,1,2{stage}.5\n1,0.25,20,32,6.0,2,2{stage}.75\n"
        (path / f"stage_{stage}" / "log.csv").write_text(_LOG + rows)
    return folder


def _sides(*paths):
    return [side.read(str(path)) for path in paths]


def test_differences_are_those_of_each_image(tmp_path):
    a = _result(tmp_path / "a", "RIM-denoise", [30.0, 29.0, 28.0])
    b = _result(tmp_path / "b", "mine (yours)", [30.5, 29.1, 28.0])
    a, b = _sides(a, b / "result.json")
    ((first, second),) = differences.pairs_of_rows(a, b)
    assert (first, second) == ("RIM-denoise", "mine (yours)")
    found = differences.of_rows(a.values[first], b.values[second])
    assert [str(d.condition) for d in found] == [
        "PSNR, 68: sigma 15, quantized False",
        "PSNR, 68: sigma 25, quantized False",
    ]
    for difference, less in zip(found, (0, 2), strict=True):
        assert difference.images == ["a", "b", "c"]
        assert difference.means == pytest.approx((29 - less, 29.2 - less))
        assert difference.mean == pytest.approx(0.2)
        expected = np.std([0.5, 0.1, 0.0], ddof=1) / np.sqrt(3)
        assert difference.error == pytest.approx(expected)
        assert difference.per_image["a"] == pytest.approx(0.5)


def test_only_images_that_both_have_and_did_not_restore_exactly_count(tmp_path):
    a = _result(tmp_path / "a", "R", [30.0, 29.0, 28.0])
    text = (a / "result.json").read_text().replace('"b": 29.0', '"b": null')
    b = _result(tmp_path / "b", "R", [31.0, 29.0, 28.0])
    other = (b / "result.json").read_text().replace('"c": 28.0', '"d": 28.0')
    (a / "result.json").write_text(text)
    (b / "result.json").write_text(other)
    a, b = _sides(a, b)
    found = differences.of_rows(a.values["R"], b.values["R"])
    assert found[0].images == ["a"]
    assert found[0].error is None


def test_rows_of_the_same_name_are_compared(tmp_path):
    """Those that were measured before are not."""
    a = _result(tmp_path / "a", "R", [1.0, 2.0, 3.0])
    b = _result(tmp_path / "b", "S", [1.0, 2.0, 3.0])
    both = json.loads((b / "result.json").read_text())
    both["measured"] += json.loads((a / "result.json").read_text())["measured"]
    both["weights"]["R"] = {"name": "r"}
    (b / "result.json").write_text(json.dumps(both))
    a, b = _sides(a, b)
    assert differences.pairs_of_rows(a, b) == [("R", "R")]
    a = a._replace(values={"Q": a.values["R"]})
    with pytest.raises(
        UserError, match=r"no row of .*a \(Q\) is one of .*b \(S, R\); "
    ):
        differences.pairs_of_rows(a, b)


def test_steps_of_a_row_are_conditions(tmp_path):
    """As unseen_operators.py names them."""
    path = _result(tmp_path / "a", "R", [1.0, 2.0, 3.0])
    text = (path / "result.json").read_text()
    (path / "result.json").write_text(
        text.replace('"model": "R"', '"model": "R, t = 9"')
    )
    (values,) = side.read(str(path)).values.values()
    assert [dict(condition.what)["t"] for condition in values] == [9, 9]


def test_what_of_two_trainings_is_not_the_same():
    history = {
        "name": "a",
        "data": "bsds300",
        "settings": {"learning_rate": 0.1, "optimizer": "adam"},
        "architecture": {"cell": {"class": "RIMCell"}, "gradient": "x"},
        "initial_weights": {"data": "bsds300", "seconds": 3},
        "seconds": 9,
    }
    other = json.loads(json.dumps(history))
    other["name"], other["seconds"] = "b", 10
    of = differences.of_trainings
    trainings = [side.Training(h, []) for h in (history, other)]
    assert of(*trainings) == {}
    other["settings"]["optimizer"] = "sgd"
    other["architecture"]["cell"]["class"] = "GDNCell"
    other["initial_weights"]["data"] = "photos"
    del other["architecture"]["gradient"]
    changed = {
        "optimizer": ("adam", "sgd"),
        "cell class": ("RIMCell", "GDNCell"),
        "gradient": ("x", None),
    }
    before = {"1 stage before the last: data": ("bsds300", "photos")}
    assert of(*trainings) == {**changed, **before}
    # Of one with fewer stages the last is compared only.
    del other["initial_weights"]
    assert of(*trainings) == {"number of stages": (2, 1), **changed}
    assert differences.have_same_validation(*trainings)
    other["patch_size"] = 64
    assert not differences.have_same_validation(*trainings)


def test_curves_of_stages_are_joined(tmp_path):
    (training,) = side.read(str(_training(tmp_path, stages=2))).trainings.values()
    assert [row["patches"] for row in training.log] == [16, 32, 48, 64]
    assert [row["seconds"] for row in training.log] == [3, 6, 9, 12]
    assert [row["val_psnr"] for row in training.log] == [21.5, 21.75, 22.5, 22.75]


def test_the_curve_of_a_test_is_that_of_its_weights(tmp_path):
    _training(tmp_path / "train")
    name = str(tmp_path / "train" / "rim" / "rim.weights.h5")
    path = _result(tmp_path / "a", "R", [1.0, 2.0, 3.0], {"name": name})
    assert len(side.read(str(path)).trainings["R"].log) == 2
    shipped = _result(
        tmp_path / "b", "R", [1.0, 2.0, 3.0], {"name": "rim_denoise_paper"}
    )
    training = side.read(str(shipped)).trainings["R"]
    assert (len(training.log), training.has_all_stages) == (20, False)


@pytest.fixture(name="compare")
def _compare(tmp_path, run_here):
    def compare(*arguments, **how):
        return run_here("compare", *arguments, f"--output_dir={tmp_path}/out", **how)

    return compare


def test_two_tests(tmp_path, compare, drawn):
    train = [_training(tmp_path / name, optimizer=name) for name in ("adam", "sgd")]
    results = [
        _result(
            tmp_path / f"test_{folder.name}",
            f"{folder.name}/rim (yours)",
            values,
            {"name": str(folder / "rim" / "rim.weights.h5"), "optimizer": folder.name},
            seed=seed,
        )
        for folder, values, seed in zip(
            train, ([30.0, 29.0, 28.0], [30.5, 29.1, 28.0]), (0, 1), strict=True
        )
    ]
    said = compare(*results).stdout
    table = (tmp_path / "out" / "table.md").read_text()
    for text in (
        "| 3 | 29.00 | 29.20 | +0.20 ± 0.15 |",
        "**The tests were not the same: seed 0 and 1.**",
        "* adam/rim (yours) and sgd/rim (yours), network and training: 1 difference "
        "(A, B): optimizer: adam, sgd.",
    ):
        assert text in " ".join(table.split())
        assert text in " ".join(said.split())
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(result["differences"]) == 2
    assert result["differences"][0]["per_image"]["b"] == pytest.approx(0.1)
    (figure,) = drawn
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == ["A: adam/rim (yours)", "B: sgd/rim (yours)"]
    refused = compare(*results, expect_success=False)
    assert refused.stderr.startswith("error: --output_dir: ")
    compare(*results, "--overwrite")


def test_two_trainings(tmp_path, compare, drawn):
    a = _training(tmp_path / "a")
    b = _training(tmp_path / "b", validation_psnr=28.25, optimizer="sgd")
    said = compare(a, b / "rim").stdout
    assert "| 28.00 | 28.25 | +0.25 |" in " ".join(said.split())
    assert "optimizer: not told, sgd." in said
    (figure,) = drawn
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == 2 * [
        [21.5, 21.75]
    ]
    assert (tmp_path / "out" / "training_curves.png").exists()


def test_validations_of_other_patches_have_no_difference(tmp_path, compare):
    """Their PSNR cannot be compared."""
    a = _training(tmp_path / "a", patch_size=32)
    b = _training(tmp_path / "b", patch_size=64)
    said = " ".join(compare(a, b).stdout.split())
    assert "| 28.00 | 28.00 | other patches |" in said


def test_what_cannot_be_compared_is_refused(tmp_path, compare):
    result = _result(tmp_path / "a", "R", [1.0, 2.0, 3.0])
    others = _result(tmp_path / "b", "R", [1.0, 2.0, 3.0])
    text = (others / "result.json").read_text()
    for image in "abc":
        text = text.replace(f'"{image}": ', f'"other {image}": ')
    (others / "result.json").write_text(text)
    training = _training(tmp_path / "train")
    two = _training(_training(tmp_path / "two"), "other")
    (tmp_path / "none").mkdir()
    (tmp_path / "wrong.json").write_text("[]")
    (tmp_path / "damaged.json").write_text("{")
    described = _training(tmp_path / "described")
    (path,) = described.glob("**/*.weights.h5")
    path.with_name("rim.json").write_text("[]")
    for arguments, message in (
        ([result, described], "is not a training of train.py"),
        ([result], "give two results, A and B; see --help."),
        ([result, "/nowhere"], "/nowhere: there is no such file or folder."),
        ([result, tmp_path / "none"], "there are none (is the training done?)."),
        ([result, two], "there are other, rim."),
        ([result, training], "compare two tests or two trainings; here is one of"),
        ([result, others], "have no image and condition in common."),
        ([result, tmp_path / "wrong.json"], "is not the result of a table script"),
        ([result, tmp_path / "damaged.json"], "holds no JSON"),
    ):
        finished = compare(*arguments, expect_success=False)
        (line,) = finished.stderr.splitlines()
        assert line.startswith("error: ")
        assert message in line
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("error")
def test_a_picture_without_curves_says_nothing(tmp_path):
    curves.save({"A: R": []}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").exists()
