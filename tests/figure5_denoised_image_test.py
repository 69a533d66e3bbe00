"""Tests of Figure 5's script, as a user calls it."""

import json

import numpy as np
import pytest

from paper_experiments.common import figures, method_files
from paper_experiments.common.image_sets import load_test_images
from paper_experiments.common.observations import Observations, psnr_of

_SCRIPT = "figure5_denoised_image"


@pytest.fixture(name="shown")
def _shown(monkeypatch):
    """What was drawn: images by title, and captions."""
    shown, save = [], figures.save_comparison

    def keep(images, caption, path):
        shown.append((images, caption))
        save(images, caption, path)

    monkeypatch.setattr(figures, "save_comparison", keep)
    return shown


@pytest.fixture(name="bm3d")
def _bm3d(monkeypatch):
    """Decides whether BM3D is installed: what takes its place, or None."""

    def replace(restore):
        load = method_files.load

        def load_other(path):
            if path.stem != "bm3d":
                return load(path)
            if restore is None:
                raise method_files.MethodError("it is not installed")
            return method_files.MethodFile("BM3D", path, restore, False)

        monkeypatch.setattr(method_files, "load", load_other)

    return replace


def test_another_image_is_drawn_loudly(tmp_path, run_here, small_weights, shown, bm3d):
    bm3d(None)
    finished = run_here(
        _SCRIPT,
        "--dataset=embedded",
        f"--weights={small_weights}",
        "--num_steps=1",
        f"--output_dir={tmp_path / 'out'}",
    )
    ((images, caption),) = shown
    observations = Observations(
        load_test_images("embedded", None, None), 50, "gray", True, 0
    )
    clean, noisy = observations.clean("chelsea"), observations.noisy("chelsea")
    titles = list(images)
    assert [title.split(":")[0] for title in titles] == [
        "clean",
        r"noisy, $\sigma$ = 50, 8 bits",
        "converged total variation",
        "RIM-denoise, t = 1",
    ]
    assert titles[0] == "clean: chelsea"
    assert titles[1].split(": ")[1] == f"{psnr_of(noisy, clean, clip=False):.2f} dB"
    for title in titles[2:]:
        assert title.endswith(f": {psnr_of(images[title], clean):.2f} dB")
    np.testing.assert_array_equal(images[titles[0]], clean)
    np.testing.assert_array_equal(images[titles[1]], noisy)
    # 8 bits: no other values.
    np.testing.assert_allclose(255 * noisy, np.rint(255 * noisy), atol=1e-4)
    assert "OF ANOTHER IMAGE" in caption
    assert "noisy 14.88, EPLL 25.68, RIM 25.91 dB" in caption
    assert "converged total variation stands where the paper shows EPLL" in caption
    page = (tmp_path / "out" / "table.md").read_text()
    for said in (
        "THIS IS ANOTHER IMAGE, chelsea",
        "THESE ARE NOT THE PAPER'S IMAGES",
        "BM3D is not installed",
    ):
        assert said in page
        assert said in finished.stdout
    (line,) = (line for line in page.splitlines() if line.startswith("| EPLL"))
    assert [field.strip() for field in line.split("|")[2:4]] == ["25.68", ""]
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert {record["model"] for record in result["measured"]} == {
        "noisy",
        "converged total variation",
        "RIM-denoise",
    }
    for record in result["measured"]:
        (title,) = (title for title in titles if title.startswith(record["model"]))
        assert title.endswith(f"{record['mean']:.2f} dB")
        assert list(record["per_image"]) == ["chelsea"]


def test_the_papers_image_is_taken_from_bsds300(
    tmp_path, run_here, small_weights, shown, bsds300_images, bm3d
):
    # In place of BM3D: half a minute.
    bm3d(lambda noisy, sigma, forward_model: noisy)
    finished = run_here(
        _SCRIPT,
        f"--data_dir={bsds300_images.parents[1]}",
        f"--weights={small_weights}",
        "--num_steps=1",
        f"--output_dir={tmp_path / 'out'}",
    )
    ((images, caption),) = shown
    titles = list(images)
    assert titles[:2] == ["clean: 160068", r"noisy, $\sigma$ = 50, 8 bits: 14.86 dB"]
    assert titles[2].startswith("BM3D: ")
    assert "very likely, image 160068" in caption
    assert "BM3D stands where the paper shows EPLL" in caption
    assert "ANOTHER" not in finished.stdout + caption
    assert "not installed" not in finished.stdout
