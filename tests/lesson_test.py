"""Tests of the lesson: it runs, and its notebooks are what its sources say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import paper_experiments

_ROOT = Path(paper_experiments.__file__).parents[1]
_FOLDER = _ROOT / "paper_experiments" / "lesson"
_NAMES = ["gallery", "recurrent_inference_machines", "solutions"]
# Those that were executed.
_NOTEBOOKS = sorted(path.stem for path in _FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", _NAMES)
def test_runs_in_quick_mode(name, tmp_path):
    """All cells, one round of training: its numbers mean nothing."""
    finished = subprocess.run(
        [sys.executable, _FOLDER / f"{name}.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            **os.environ,
            "LESSON_QUICK": "1",
            "MPLBACKEND": "Agg",
            "PYTHONPATH": str(_ROOT),
            "PYTHONWARNINGS": "ignore:FigureCanvasAgg",
        },
    )
    assert finished.returncode == 0, finished.stderr
    assert not list(tmp_path.iterdir())
    # A notebook would show them, and what Keras and TensorFlow warn of.
    assert "Warning" not in finished.stderr
    assert "retracing" not in finished.stderr
    said = finished.stdout
    if name == "gallery":
        _, _, table = said.partition("PSNR in dB")
        assert len(re.findall(r"^[a-z ]+? +\d+\.\d +\d+\.\d   \w", table, re.M)) == 6
        return
    if name == "solutions":
        assert "check_adjoint: " in said
        return
    differences = re.findall(r"gradient ascent: (\S+)", said)
    assert len(differences) == 2
    assert max(map(float, differences)) < 1e-5


def _cells_of_source(name):
    """Returns kind and text of each cell of a source in the percent format."""
    text = (_FOLDER / f"{name}.py").read_text()
    for cell in text.split("\n# %%")[1:]:
        first, _, body = cell.partition("\n")
        if "[markdown]" in first:
            lines = (re.sub("^# ?", "", line) for line in body.strip().split("\n"))
            yield "markdown", "\n".join(lines)
        else:
            # Jupytext makes these comments commands of the notebook.
            yield "code", body.strip().replace("\n# %config", "\n%config")


@pytest.mark.parametrize("name", _NOTEBOOKS)
def test_a_notebook_is_its_source_executed(name):
    notebook = json.loads((_FOLDER / f"{name}.ipynb").read_text())
    cells = [
        (cell["cell_type"], "".join(cell["source"]).strip())
        for cell in notebook["cells"]
    ]
    assert cells == list(_cells_of_source(name))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {
        *("stream", "display_data", "execute_result")
    }
    # TensorFlow's remarks go there.
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) >= 4


@pytest.mark.parametrize("name", _NOTEBOOKS)
def test_notebooks_are_small_and_tell_nothing_of_a_machine(name):
    text = (_FOLDER / f"{name}.ipynb").read_text()
    assert len(text) < 2_000_000
    assert not re.search(r"/(home|root|work|tmp|usr)/", text)
