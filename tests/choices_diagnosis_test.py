"""Tests of finding choices by what they change."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from paper_experiments.choices import diagnosis, noise, summary
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.steps import DENOISING, OURS, Photograph
from paper_experiments.choices.summary import Numbers
from paper_experiments.common.errors import UserError
from rim_tf import images

_KEY = ("x3", "baseline")
# Mean and deviation over images of what they change; a seed changes less.
_PLANTED = {
    "opencv_cubic": (-1.2, 0.5),
    "opencv_area": (0.1, 0.15),
    "scipy_zoom": (-1.7, 0.4),
    "with_border": (-0.09, 0.05),
    "full_range": (-1.32, 0.01),
    "no_crop": (-0.02, 0.01),
}
_FINDABLE = [name for name in _PLANTED if name != "no_crop"]
_SEED = 0.01


@pytest.fixture(name="numbers", scope="module")
def _numbers():
    generator = np.random.default_rng(0)
    ids = [str(i) for i in range(30)]
    ours = generator.normal(28, 3, 30)
    results = {Row("ours", *_KEY): dict(zip(ids, ours, strict=True))}
    for name, (mean, deviation) in _PLANTED.items():
        made = ours + generator.normal(mean, deviation, 30)
        results[Row(name, *_KEY)] = dict(zip(ids, made, strict=True))
    return Numbers(results, {}, {}, {})


def _theirs(numbers, planted, generator):
    """Values of some of the images, made with the planted choices and another seed."""
    ours = numbers.reference(_KEY)
    ids = generator.choice(list(ours), 12, replace=False)
    return {
        i: ours[i]
        + sum(numbers.results[Row(name, *_KEY)][i] - ours[i] for name in planted)
        + generator.normal(0, _SEED)
        for i in ids
    }


@pytest.mark.parametrize("planted", _FINDABLE)
def test_finds_one_choice(numbers, planted):
    generator = np.random.default_rng(1)
    for _ in range(10):
        found = diagnosis.explain(_theirs(numbers, [planted], generator), numbers, _KEY)
        assert found[0].choices == ((planted,),)
        assert found[0].left < 3 * _SEED
        assert found[0].explained > 0.8


def test_finds_two_choices(numbers):
    generator = np.random.default_rng(2)
    pair = ("opencv_cubic", "with_border")
    found = [
        diagnosis.explain(_theirs(numbers, pair, generator), numbers, _KEY)[0].choices
        for _ in range(10)
    ]
    assert sum(set(choices) == {(name,) for name in pair} for choices in found) >= 8


def test_finds_nothing_where_nothing_was_planted(numbers):
    generator = np.random.default_rng(3)
    for _ in range(10):
        (found,) = diagnosis.explain(_theirs(numbers, [], generator), numbers, _KEY)
        assert found.choices == ()
        # A change is found that no choice makes.
        others = _theirs(numbers, [], generator)
        others = {i: v + generator.normal(0.8, 0.8) for i, v in others.items()}
        assert diagnosis.explain(others, numbers, _KEY) == []


def test_choices_that_were_not_measured_on_these_images_are_left_out(numbers):
    results = dict(numbers.results)
    row = Row("opencv_cubic", *_KEY)
    results[row] = {"1": results[row]["1"]}
    theirs = _theirs(numbers, ["opencv_cubic"], np.random.default_rng(4))
    found = diagnosis.explain(theirs, numbers._replace(results=results), _KEY)
    assert not any("opencv_cubic" in sum(e.choices, ()) for e in found)


def test_images_on_which_no_choice_was_measured_do_not_hinder(numbers):
    """As of the 100 images, 68 of which choices are measured on."""
    results = dict(numbers.results)
    row = Row("opencv_cubic", *_KEY)
    results[row] = {i: v for i, v in results[row].items() if int(i) < 20}
    theirs = {**numbers.reference(_KEY), **numbers.results[row]}
    found = diagnosis.explain(theirs, numbers._replace(results=results), _KEY)
    assert found[0].choices == (("opencv_cubic",),)
    few = {i: v for i, v in theirs.items() if int(i) >= 20}
    bare = {r: v for r, v in results.items() if r.choice in ("ours", row.choice)}
    with pytest.raises(UserError, match="no choice was measured on enough of its 10"):
        diagnosis.explain(few, numbers._replace(results=bare), _KEY)


def test_another_seed_is_ours_on_images_where_no_seed_was_measured(numbers):
    """As of the 100 images, 68 of which seeds are measured on."""
    generator = np.random.default_rng(3)
    reference = numbers.reference(_KEY)

    def another(ids):
        return {i: reference[i] + 0.04 * generator.standard_normal() for i in ids}

    results = dict(numbers.results)
    for seed in noise.SEEDS:
        results[Row(seed.name, *_KEY)] = another(list(reference)[:20])
    found = diagnosis.explain(
        another(reference), numbers._replace(results=results), _KEY
    )
    assert [e.choices for e in found] == [()]


def test_choices_of_the_same_values_are_named_together(numbers):
    results = dict(numbers.results)
    same = results[Row("opencv_cubic", *_KEY)]
    results[Row("torch_default", *_KEY)] = {i: v + 0.001 for i, v in same.items()}
    found = diagnosis.explain(same, numbers._replace(results=results), _KEY)
    assert found[0].choices == (("opencv_cubic", "torch_default"),)


def test_a_cause_that_was_not_measured_is_not_taken_for_another(numbers):
    """Each choice in turn is not known; no other is named for it."""
    generator = np.random.default_rng(6)
    for planted in _FINDABLE:
        rest = {r: v for r, v in numbers.results.items() if r.choice != planted}
        for _ in range(5):
            theirs = _theirs(numbers, [planted], generator)
            found = diagnosis.explain(theirs, numbers._replace(results=rest), _KEY)
            assert not any(explanation.choices for explanation in found), planted


def test_images_that_are_not_known(numbers):
    with pytest.raises(UserError, match="2 of its images are known; 3 are needed"):
        diagnosis.explain({"1": 28.0, "2": 29.0, "b": 30.0}, numbers, _KEY)


def test_finds_what_was_measured():
    """Each choice of the files, planted with a seed and a subset of their images."""
    if not (summary.FOLDER / "bsds300.json").exists():
        pytest.skip("nothing was kept yet")
    numbers = summary.load("bsds300")
    generator, right = np.random.default_rng(5), []
    for row, values in numbers.results.items():
        ours = numbers.reference(row[1:])
        if len(values) < 8 or "ssim" in row.choice or row.choice == "ours":
            continue
        changes = {i: values[i] - ours[i] for i in values}
        if abs(np.mean(list(changes.values()))) < 0.05:
            continue
        ids = generator.choice(list(values), len(values) // 2 + 2, replace=False)
        theirs = {i: values[i] + generator.normal(0, _SEED) for i in ids}
        found = diagnosis.explain(theirs, numbers, row[1:])
        if not found or not found[0].choices:
            right.append(False)
            continue
        best = numbers.results[Row(found[0].choices[0][0], *row[1:])]
        # Some make the same values, as clipping does without and with rounding.
        right.append(all(abs(best[i] - values[i]) < 0.1 for i in ids))
    assert len(right) > 20
    assert np.mean(right) > 0.9, f"{sum(right)} of {len(right)}"


def test_reads_a_table_of_values(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("image,psnr\n3096, 28.5\n\ntest/8023.jpg,27.25,0.8\nmean,nan\n")
    assert diagnosis.read(path) == {"3096": 28.5, "8023": 27.25}


def test_decimal_commas_and_images_named_twice_are_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("image,psnr,\n3096,28,5\n8023,27,25\n")
    with pytest.raises(UserError, match=r"write PSNR with a point, 28\.5, not with a"):
        diagnosis.read(path)
    path.write_text("3096,28.5\n8023,27.2\n3096,27.1\n")
    with pytest.raises(UserError, match=r"mine\.csv has 3096 more than once"):
        diagnosis.read(path)
    # As Excel writes it.
    path.write_text("3096,28.5,0.8\n", encoding="utf-8-sig")
    assert diagnosis.read(path) == {"3096": 28.5}


@pytest.mark.parametrize(
    "text", ["", "image,psnr\n", "3096;28.5\n", "3096,1e200\n", '"' + 200_000 * "x"]
)
def test_what_is_no_table_of_values_is_refused(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(
        UserError, match=r"^--result: .*(must have lines of an image|be read)"
    ):
        diagnosis.read(path)


def test_measures_a_folder_of_images(tmp_path):
    truth = {
        "12": skimage.data.chelsea()[:50, :61],
        "13": skimage.data.rocket()[:40, :40],
    }
    gray = images.to_gray(truth["12"])
    noise = np.random.default_rng(0).integers(-9, 10, gray.shape)
    noisy = np.uint8(np.clip(gray + noise, 0, 255))
    Image.fromarray(noisy[..., 0]).save(tmp_path / "12.png")
    Image.fromarray(noisy[..., 0]).save(tmp_path / "other.png")
    made = diagnosis.measure_folder(tmp_path, truth, DENOISING)
    error = np.mean(np.square(noisy - np.float64(gray)))
    assert made == {"12": pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)}
    with pytest.raises(UserError, match=r"12 has 50x61 pixels, and is to have 48x60"):
        diagnosis.measure_folder(tmp_path, truth, "x4")
    Image.fromarray(noisy[:48, :60, 0]).save(tmp_path / "12.png")
    made = diagnosis.measure_folder(tmp_path, truth, "x4")
    steps, photograph = OURS["x4"], Photograph("12", 0, truth["12"])
    assert made["12"] == steps.value(photograph, noisy[:48, :60])


def test_a_folder_without_known_images_is_refused(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "other.png")
    with pytest.raises(UserError, match=r"no file in .* is named as BSDS-300 does"):
        diagnosis.measure_folder(tmp_path, {}, DENOISING)
    with pytest.raises(UserError, match=r"--result: .* is not a folder"):
        diagnosis.measure_folder(tmp_path / "none", {}, DENOISING)


@pytest.mark.parametrize(
    ("suffixes", "change", "condition", "said"),
    [
        ((".png",), 9, "sigma 25", "12 has colours; give grey images"),
        ((".png", ".bmp"), 9, "x3", "has files of one name; leave one of each"),
        ((".png",), 0, "x3", r"12\.png is the true image; give restored ones"),
    ],
)
def test_folders_that_cannot_be_measured(tmp_path, suffixes, change, condition, said):
    truth = {"12": skimage.data.chelsea()[:48, :60]}
    for suffix in suffixes:
        Image.fromarray(truth["12"] // 2 * 2 + change).save(tmp_path / f"12{suffix}")
    truth["12"] = truth["12"] // 2 * 2
    with pytest.raises(UserError, match=said):
        diagnosis.measure_folder(tmp_path, truth, condition)
