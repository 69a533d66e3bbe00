"""Tests of methods as files, and of what is said of those that are wrong."""

import numpy as np
import pytest

from paper_experiments.common import method_files
from paper_experiments.common.errors import UserError
from paper_experiments.common.method_files import MethodError, Methods
from paper_experiments.common.table import measured_on

_GOOD = "def restore(observation, sigma, forward_model):\n    return observation\n"
_NOISY = np.float32(np.linspace(-0.2, 1.2, 48).reshape(6, 8, 1))


@pytest.fixture(name="write")
def _write(tmp_path):
    def write(text, name="mine"):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return path

    return write


def _returns(expression):
    return f"import numpy as np\ndef restore(y, sigma, a):\n    return {expression}\n"


def test_a_users_file_is_a_row_marked_as_such(write):
    path = write(f"NAME = 'a | b\\nc'\n{_GOOD}")
    file = method_files.load(path)
    assert (file.row, file.is_yours) == ("a / b c (yours)", True)
    assert method_files.load(write(_GOOD, "other")).row == "other (yours)"
    estimate = file.estimate(_NOISY, 0.1, None, (6, 8, 1))
    np.testing.assert_array_equal(estimate, _NOISY)


def test_ours_are_found_by_name():
    assert {"bm3d", "cbm3d", "cycle_spun_wavelet"} < set(method_files.names())
    assert "__init__" not in method_files.names()
    file = method_files.load(method_files.find("cycle_spun_wavelet"))
    assert (file.row, file.is_yours) == ("cycle-spun wavelet", False)


def test_a_file_may_import_what_is_beside_it(write):
    write("FACTOR = 2\n", "beside_this_one")
    path = write("from beside_this_one import FACTOR\n" + _returns("y * FACTOR / 4"))
    file = method_files.load(path)
    assert file.estimate(_NOISY, 0.1, None, (6, 8, 1)).max() == np.float32(0.6)


def test_a_file_may_have_the_name_of_a_package(write):
    """As ours of BM3D has."""
    file = method_files.load(write(f"import scipy\nassert scipy.fft\n{_GOOD}", "scipy"))
    assert file.row == "scipy (yours)"


def test_the_observation_is_the_methods_own(write):
    file = method_files.load(write(_GOOD.replace("return", "observation *= 0; return")))
    noisy = _NOISY.copy()
    file.estimate(noisy, 0.1, None, noisy.shape)
    np.testing.assert_array_equal(noisy, _NOISY)


@pytest.mark.parametrize("asked", ["/nowhere/mine.py", "nothing", "__init__"])
def test_what_is_not_there_is_refused(asked):
    with pytest.raises(UserError, match=r"^--method: there is no (file|method) "):
        method_files.find(asked)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def restore(:\n", "it cannot be imported: SyntaxError in line 1: "),
        ("\nimport no_such_package", "ModuleNotFoundError in line 2: No module named"),
        ("import sys\nsys.exit('no GPU')", "SystemExit in line 2: no GPU"),
        ("def restored(): pass", "it has no function restore(observation, sigma, "),
        ("restore = 3", "it has no function restore"),
    ],
)
def test_files_that_cannot_be_imported(write, text, message):
    with pytest.raises(MethodError) as caught:
        method_files.load(write(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("y[..., 0]", "the shape (6, 8), not (6, 8, 1)"),
        ("y[None]", "the shape (1, 6, 8, 1), not (6, 8, 1)"),
        ("None", "object, not an array of real numbers"),
        ("y * 1j", "complex64, not an array"),
        ("y * np.nan", "not finite"),
        ("y / 0", "not finite"),
        ("y * 255", "values from -51 to 306; the scale of images is 0 to 1"),
        ("(y * 0 - 1.01)", "values from -1.01 to -1.01"),
        ("[[1], [2, 3]]", "ValueError"),
        ("1 / 0", "ZeroDivisionError in line 3: division by zero"),
        ("open('/nowhere')", "FileNotFoundError in line 3"),
        ("exit('\\n a\\n b')", "SystemExit in line 3: a b"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero|invalid value")
def test_estimates_that_are_wrong(write, expression, message):
    file = method_files.load(write(_returns(expression)))
    with pytest.raises(MethodError) as caught:
        file.estimate(_NOISY, 0.1, None, (6, 8, 1))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_method_that_fails_is_said_once_and_left_out(write, capsys):
    bad = write(_returns("y * 1000"), "bad")
    methods = Methods([str(write(_GOOD)), str(bad)])
    for image_id in "ab":
        where = f"image {image_id}, sigma 25"
        settings = where, _NOISY, 0.1, None, _NOISY.shape
        assert methods.restore("bad (yours)", *settings) is None
        assert methods.restore("mine (yours)", *settings) is not None
    (line,) = methods.failures
    assert line == (
        "bad.py, image a, sigma 25: it returns values from -200 to 1.2e+03; the scale "
        "of images is 0 to 1. It is not measured."
    )
    assert capsys.readouterr().err == f"error: --method: {line}\n"
    assert list(methods.files) == ["mine (yours)"]
    assert methods.seconds("mine (yours)") >= 0
    assert methods.seconds("bad (yours)") is None


def test_others_are_loaded_beside_one_that_cannot(write, capsys):
    asked = [str(write("import nothing_such", "bad")), str(write(_GOOD))]
    methods = Methods(asked)
    assert list(methods.files) == ["mine (yours)"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --method: bad.py: it cannot be imported: Module")


def test_two_methods_of_one_name(write, tmp_path):
    (tmp_path / "more").mkdir()
    first, second = write(_GOOD), write(_GOOD, "more/mine")
    methods = Methods([str(first), str(second), str(first)])
    assert methods.files["mine (yours)"].path == first
    assert methods.failures == [
        f"mine.py: its NAME is that of {first}. It is not measured."
    ]


@pytest.mark.parametrize("may_decline", [False, True])
def test_a_method_may_be_for_other_forward_models(write, may_decline):
    text = "def restore(y, sigma, a):\n    raise NotImplementedError('only noise')\n"
    methods = Methods([str(write(text))], may_decline)
    settings = "image a, blur", _NOISY, 0.1, None, _NOISY.shape
    assert methods.restore("mine (yours)", *settings) is None
    assert bool(methods.failures) == (not may_decline)
    assert bool(methods.files) == may_decline


def test_notes_compare_with_the_first_rim_that_was_measured(write):
    methods = Methods([str(write(_GOOD))])
    sets, row = {"68": ["a", "b"]}, "mine (yours)"
    values = {row: {"a": 29.0, "b": 31.0}, "RIM": {"a": 30.0, "b": 31.5}}
    measured = [
        score
        for name, by_image in values.items()
        for score in measured_on(sets, by_image, name, {"sigma": 25})
    ]
    (note,) = methods.notes(measured, ["RIM-denoise", "RIM"], lambda s: s.test_set)
    assert note == (
        "* mine (yours), mine.py: less RIM, mean ± standard error over images: "
        "68 -0.75 ± 0.25."
    )
    methods.restore(row, "", _NOISY, 0.1, None, _NOISY.shape)
    (note,) = methods.notes(measured[:1], ["RIM"], lambda s: s.test_set)
    assert note.startswith("* mine (yours), mine.py: ")
    assert note.endswith(" s an image.")


def test_what_is_restored_without_error_is_not_compared(write):
    methods = Methods([str(write(_GOOD))])
    sets, row = {"68": ["a", "b"]}, "mine (yours)"
    measured = measured_on(sets, {"a": np.inf, "b": 31.0}, row, {})
    measured += measured_on(sets, {"a": 30.0, "b": 30.0}, "RIM", {})
    (note,) = methods.notes(measured, ["RIM"], lambda s: s.test_set)
    assert note.endswith(": 68 +1.00.")


def test_what_result_json_tells(write):
    path = write(_GOOD)
    methods = Methods([str(path)])
    assert methods.to_json() == {
        "mine (yours)": {"file": str(path), "seconds_per_image": None}
    }
