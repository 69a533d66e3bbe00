"""Tests of the page that shows a trajectory, in a real browser where there is one."""

import base64
import html
import io
import json
import re
import shutil
import subprocess
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import rim_tf
from rim_tf import trajectory
from rim_tf.forward_models import Inpainting, Mosaic
from rim_tf.trajectory import Trajectory

_STEPS = 5
_BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
# Acts when the page is loaded, and leaves what was said. Time goes on by `tick` only.
_SCRIPT = """<script>
const said = [];
let tick = null;
setInterval = action => { tick = action; return 1; };
clearInterval = () => { tick = null; };
const press = key => dispatchEvent(new KeyboardEvent("keydown", { key }));
const say = () => said.push(["t", "psnr", "residual", "left", "right"]
  .map(id => document.getElementById(id).textContent));
const pixel = (x, y) => said.push([...document.getElementById("canvas")
  .getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)]);
addEventListener("load", () => {
  ACT
  document.body.dataset.said = JSON.stringify(said);
});
</script>"""


def _clean(channels=1):
    return np.random.default_rng(0).uniform(0.1, 0.9, size=(1, 12, 16, channels))


def _noisy(channels=1):
    noise = np.random.default_rng(1).standard_normal((1, 12, 16, channels))
    return np.float32(_clean(channels) + 0.1 * noise)


def _estimates(channels=1):
    """They come nearer to the truth, by half each time."""
    clean = _clean(channels)
    return np.stack([clean + (0.5 - clean) * 0.5**t for t in range(_STEPS)])


def _data(path):
    """Returns what a page holds."""
    found = re.search(
        r'<script type="application/json" id="trajectory">(.*?)</script>',
        path.read_text(),
        re.DOTALL,
    )
    return json.loads(found[1])


def _pixels(source):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))


def _in_browser(path, folder, act):
    """Returns what a script found in a page."""
    if _BROWSER is None:
        pytest.skip("there is no Chromium here")
    page = folder / "with_script.html"
    script = _SCRIPT.replace("ACT", act)
    page.write_text(path.read_text().replace("</body>", f"{script}</body>"))
    finished = subprocess.run(
        [
            *(_BROWSER, *_FLAGS, f"--user-data-dir={folder / 'profile'}"),
            *("--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.search(r'data-said="(.*?)"', finished.stdout)
    assert found, finished.stderr
    return json.loads(html.unescape(found[1]))


@pytest.fixture(name="page")
def _page(tmp_path):
    path = tmp_path / "ä page.html"
    return rim_tf.show_trajectory(
        _estimates(), path, _clean(), _noisy(), sigma=0.1, title="</script>Ä <b>"
    )


def test_holds_pictures_and_numbers(page):
    data = _data(page)
    assert (data["width"], data["height"]) == (16, 12)
    rounded = rim_tf.images.to_8_bits(_estimates()[:, 0, ..., 0])
    for source, expected in zip(data["estimates"], rounded, strict=True):
        assert source.startswith("data:image/png;base64,")
        np.testing.assert_array_equal(_pixels(source), expected)
    for estimate, psnr, residual in zip(
        _estimates(), data["psnr"], data["residual"], strict=True
    ):
        assert psnr == pytest.approx(rim_tf.metrics.psnr(estimate, _clean())[0])
        expected = np.sqrt(np.mean(np.square(_noisy() - estimate))) / 0.1
        assert residual == pytest.approx(expected)
    observation, clean = data["beside"]
    assert (observation["name"], clean["name"]) == ("observation", "clean")
    assert observation["psnr"] == rim_tf.metrics.psnr(_noisy(), _clean())[0]
    assert "psnr" not in clean
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page.read_text())


def test_keys_move_step_divider_and_what_is_beside(page, tmp_path):
    psnr = _data(page)["psnr"]
    said = _in_browser(
        page,
        tmp_path,
        """
        say();
        press("Home"); say();
        press("ArrowRight"); press("ArrowRight"); say();
        press("ArrowLeft"); press("End"); press("ArrowRight"); say();
        press("b"); say();
        said.push(document.title, document.getElementById("title").children.length);
        """,
    )
    steps = [said[i][0] for i in range(4)]
    assert steps == ["5 of 5", "1 of 5", "3 of 5", "5 of 5"]
    assert said[2][1] == f"{psnr[2]:.2f} dB"
    assert said[2][2] == f"{_data(page)['residual'][2]:.2f}"
    assert said[2][4] == "t = 3"
    assert said[3][3].startswith("observation, ")
    assert said[4][3] == "clean"
    assert said[5:] == ["</script>Ä <b>", 0]


def test_the_divider_has_before_on_its_left_and_after_on_its_right(page, tmp_path):
    said = _in_browser(
        page,
        tmp_path,
        """
        pixel(0, 3); pixel(7, 3); pixel(8, 3); pixel(15, 3);
        for (let i = 0; i < 10; i++) press("ArrowUp");
        pixel(15, 3);
        for (let i = 0; i < 30; i++) press("ArrowDown");
        pixel(0, 3);
        press("Home"); pixel(0, 3);
        """,
    )
    noisy, last, first = (
        rim_tf.images.to_8_bits(image[0, 3, :, 0])
        for image in (_noisy(), _estimates()[-1], _estimates()[0])
    )
    expected = [noisy[0], noisy[7], last[8], last[15], noisy[15], last[0], first[0]]
    assert said == [[value] * 3 for value in expected]


def test_plays_to_the_end_and_stops(page, tmp_path):
    said = _in_browser(
        page,
        tmp_path,
        """
        const button = () => said.push(document.getElementById("play").textContent);
        press(" "); say(); button();
        tick(); tick(); say();
        press(" "); said.push(tick); button();
        press(" "); tick(); say(); said.push(tick); button();
        """,
    )
    # From the end it begins anew.
    assert [said[0][0], said[1]] == ["1 of 5", "Pause"]
    assert said[2][0] == "3 of 5"
    assert said[3:5] == [None, "Play"]
    assert [said[5][0], *said[6:]] == ["5 of 5", None, "Play"]


def test_without_truth_and_noise_level_there_are_pictures_only(tmp_path):
    path = rim_tf.show_trajectory(_estimates(3), tmp_path / "a.html")
    data = _data(path)
    assert data["psnr"] is data["residual"] is None
    assert [beside["name"] for beside in data["beside"]] == ["t = 1"]
    said = _in_browser(
        path,
        tmp_path,
        """
        press("b"); say();
        said.push(document.getElementById("psnr-box").hidden,
                  document.getElementById("beside").hidden);
        """,
    )
    assert said == [["5 of 5", "", "", "t = 1", "t = 5"], True, True]


def test_an_estimate_without_error_and_a_single_step(tmp_path):
    path = rim_tf.show_trajectory([_clean()], tmp_path / "a.html", clean=_clean())
    assert _data(path)["psnr"] == [None]
    said = _in_browser(path, tmp_path, "say();")
    assert said[0][:2] == ["1 of 1", "∞ dB"]


def test_shows_what_iterate_yields_and_the_start_of_other_forward_models(tmp_path):
    keras.utils.set_random_seed(0)
    for channels, model in (
        (3, Mosaic("RGGB")),
        (1, Inpainting(np.float32(np.indices((12, 16, 1)).sum(axis=0) % 3 > 0))),
    ):
        rim = rim_tf.RIM(rim_tf.cells.RIMCell(channels, 2, 3))
        observation = np.asarray(model.forward(np.float32(_clean(channels))))
        steps = rim_tf.iterate(rim, observation, model, 0.1, num_steps=2)
        path = tmp_path / "a.html"
        rim_tf.show_trajectory(steps, path, None, observation, model, 0.1)
        data = _data(path)
        names = [beside["name"] for beside in data["beside"]]
        assert names == (["start"] if channels == 3 else ["observation", "start"])
        start = rim_tf.images.to_8_bits(np.asarray(model.initial_estimate(observation)))
        shown = _pixels(data["beside"][-1]["source"])
        np.testing.assert_array_equal(shown, start[0].squeeze())
        last = rim_tf.restore(rim, observation, model, 0.1, num_steps=2)
        expected = rim_tf.restoration.residual(last, observation, 0.1, model)[0]
        assert data["residual"][-1] == pytest.approx(expected, rel=1e-4)


def test_a_network_that_fills_no_pixels_begins_elsewhere(tmp_path):
    model = Inpainting(np.float32(np.indices((12, 16, 1)).sum(axis=0) % 3 > 0))
    rim = rim_tf.RIM(rim_tf.cells.RIMCell(1, 2, 3), fills_pixels=False)
    observation = np.asarray(model.forward(np.float32(_clean())))
    steps = rim_tf.iterate(rim, observation, model, 0.1, num_steps=1)
    path = tmp_path / "a.html"
    rim_tf.show_trajectory(
        steps, path, observation=observation, forward_model=model, model=rim
    )
    start = rim_tf.images.to_8_bits(np.asarray(model.adjoint(observation)))
    shown = _pixels(_data(path)["beside"][-1]["source"])
    np.testing.assert_array_equal(shown, start[0].squeeze())


@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_the_start_is_where_the_iteration_begins(tmp_path, factor):
    """The scale of A is taken out; y on another scale is no image."""
    clean, model = np.float32(_clean()), factor * rim_tf.Denoising()
    path = tmp_path / "a.html"
    rim_tf.show_trajectory([clean], path, None, factor * clean, model, factor)
    beside = {each["name"]: _pixels(each["source"]) for each in _data(path)["beside"]}
    assert set(beside) == {"start"} | ({"observation"} if factor == 1 else set())
    for shown in beside.values():
        np.testing.assert_array_equal(shown, rim_tf.images.to_8_bits(clean)[0, ..., 0])


def test_counts_and_what_a_mask_hides_are_no_images(tmp_path):
    clean, path = np.float32(_clean()), tmp_path / "a.html"
    likelihood = rim_tf.LogLikelihood(lambda y: y / 60, lambda x, y, sigma: x)
    rim_tf.show_trajectory([clean], path, None, 60 * clean, likelihood)
    assert [beside["name"] for beside in _data(path)["beside"]] == ["start"]
    mask = np.ones((12, 16, 1), np.float32)
    mask[0, 0] = 0
    hidden = np.where(mask, clean, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rim_tf.show_trajectory([clean], path, None, hidden, Inpainting(mask))
    observation, _ = _data(path)["beside"]
    assert _pixels(observation["source"])[0, 0] == 0


def test_of_a_large_image_the_middle_is_shown_and_the_whole_measured(tmp_path):
    clean = np.random.default_rng(0).uniform(size=(1, 7, 1031, 1))
    estimate = clean.copy()
    estimate[:, :, :3] = 0.5
    path = rim_tf.show_trajectory([estimate], tmp_path / "a.html", clean)
    data = _data(path)
    assert (data["width"], data["height"]) == (1024, 7)
    assert data["caption"] == "the middle of 1031 x 7 pixels"
    expected = rim_tf.images.to_8_bits(clean[0, :, 3:-4, 0])
    np.testing.assert_array_equal(_pixels(data["estimates"][0]), expected)
    assert data["psnr"] == [rim_tf.metrics.psnr(estimate, clean)[0]]


def test_many_pixels_are_written_as_jpeg(tmp_path):
    image = np.random.default_rng(0).uniform(size=(700, 800, 3))
    path = trajectory.write(Trajectory([image] * 2, {"a": image}), tmp_path / "a.html")
    (source, _) = _data(path)["estimates"]
    assert source.startswith("data:image/jpeg;base64,")
    assert np.abs(_pixels(source) / 255 - image).mean() < 0.05
    assert path.stat().st_size < 5_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimates": []}, "no estimates to show"),
        ({"clean": np.ones((12, 16, 1))}, r"clean have the shape \(12, 16, 1\)"),
        ({"clean": np.ones((1, 12, 12, 1))}, r"another image is \(12, 12, 1\)"),
        ({"observation": np.ones((1, 6, 8, 1))}, "needs its forward_model"),
    ],
)
def test_refuses(tmp_path, arguments, message):
    path = tmp_path / "a.html"
    with pytest.raises(ValueError, match=message):
        rim_tf.show_trajectory(**{"estimates": _estimates(), "path": path, **arguments})
    assert not path.exists()
