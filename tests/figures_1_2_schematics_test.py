"""Tests of the drawings of the model."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from rim_tf.cells import RIMCell


@pytest.fixture(name="script")
def _script(functions_of):
    return functions_of("figures_1_2_schematics")


def _texts(figure):
    (axis,) = figure.axes
    return [text.get_text() for text in axis.texts]


def test_layers_are_those_of_the_cell(script):
    cell = RIMCell()
    cell.build()
    for layer in script.LAYERS:
        of_cell = getattr(cell, layer.name)
        assert layer.num_parameters == of_cell.count_params()
    assert sum(layer.num_parameters for layer in script.LAYERS) == cell.count_params()
    numbers = [layer.num_parameters for layer in script.LAYERS]
    assert numbers == [1_216, 2_212_608, 147_520, 577]


def test_shapes_are_those_of_the_cell(script):
    cell = RIMCell()
    cell.build()
    x = np.zeros((1, 32, 48, 2), np.float32)
    for layer in script.LAYERS:
        result = getattr(cell, layer.name)
        x = result(x, [])[0] if layer.name == "recurrent" else result(x)
        height, width, channels = layer.shape
        assert tuple(x.shape) == (1, height // 10, width // 10, channels)


def test_kernels_and_strides_are_those_of_the_cell(script):
    cell = RIMCell()
    texts = {layer.name: layer.text for layer in script.LAYERS}
    for name in ("encode", "decode", "update"):
        layer = getattr(cell, name)
        assert layer.kernel_size == (3, 3)
        assert "3 x 3" in texts[name]
        assert ("stride 2" in texts[name]) == (layer.strides == (2, 2))


def test_figure_2_says_shapes_and_parameters(script):
    texts = _texts(script.draw_figure2())
    for shape in ("320 x 480 x 2", "160 x 240 x 64", "160 x 240 x 256"):
        assert texts.count(shape) == 1
    for shape in ("320 x 480 x 64", "320 x 480 x 1"):
        assert texts.count(shape) == 1
    joined = "\n".join(texts)
    for number in ("1,216", "2,212,608", "147,520", "577", "2,361,921"):
        assert f"{number} parameters" in joined
    assert texts.count("loss") == 3
    assert [f"$x_{t}$" in texts for t in range(4)] == 4 * [True]


def test_figure_1_goes_from_map_to_the_rim(script):
    texts = _texts(script.draw_figure1())
    titles = [text for text in texts if text[:3] in ("A  ", "B  ", "C  ")]
    assert ["MAP" in titles[0], "learned" in titles[1], "RIM" in titles[2]] == 3 * [
        True
    ]
    # All three have a likelihood, only MAP inference a prior, only the RIM a memory.
    assert sum("likelihood" in text for text in texts) == 3
    assert sum("prior" in text for text in texts) == 1
    assert sum("memory" in text for text in texts) == 1
    assert sum("network" in text for text in texts) == 2


def _overlap(texts):
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [
        (one, other)
        for i, (one, box) in enumerate(boxes)
        for other, other_box in boxes[i + 1 :]
        if one.strip() and other.strip() and box.overlaps(other_box)
    ]


@pytest.mark.parametrize("name", ["draw_figure1", "draw_figure2"])
def test_texts_do_not_touch_and_stay_inside(script, name):
    figure = getattr(script, name)()
    figure.draw_without_rendering()
    (axis,) = figure.axes
    texts = [text for text in axis.texts if text.get_text()]
    assert _overlap(texts) == []
    for text in texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 < box.x0 < box.x1 < figure.bbox.x1, text.get_text()
        assert figure.bbox.y0 < box.y0 < box.y1 < figure.bbox.y1, text.get_text()


@pytest.mark.parametrize("name", ["draw_figure1", "draw_figure2"])
def test_texts_are_inside_of_boxes_or_outside(script, name):
    figure = getattr(script, name)()
    figure.draw_without_rendering()
    (axis,) = figure.axes
    boxes = [patch.get_window_extent() for patch in axis.patches]
    for text in axis.texts:
        extent = text.get_window_extent()
        for box in boxes:
            if text.get_text() and extent.overlaps(box):
                assert box.x0 < extent.x0 < extent.x1 < box.x1, text.get_text()
                assert box.y0 < extent.y0 < extent.y1 < box.y1, text.get_text()


def test_writes_both_without_keras(tmp_path, start_script):
    process = start_script("figures_1_2_schematics", f"--output_dir={tmp_path}")
    said, complained = process.communicate()
    assert (process.returncode, complained) == (0, "")
    for name, size in (("figure1.png", (1980, 615)), ("figure2.png", (1980, 975))):
        assert str(tmp_path / name) in said
        with Image.open(tmp_path / name) as picture:
            assert picture.size == size


def test_keras_is_not_imported(tmp_path, functions_of):
    """In a process of its own: here it is imported already."""
    path = functions_of("figures_1_2_schematics").__file__
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{str(path)!r}, '--output_dir={tmp_path}']\n"
        "try:\n"
        f"    runpy.run_path({str(path)!r}, run_name='__main__')\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize("flag", ["--seed=1", "--precision=float32", "--num_steps=3"])
def test_flags_of_models_are_refused(tmp_path, run_here, flag):
    finished = run_here(
        "figures_1_2_schematics",
        flag,
        f"--output_dir={tmp_path / 'out'}",
        expect_success=False,
    )
    assert "not for this script" in finished.stderr
    assert not (tmp_path / "out").exists()
