"""Tests of measuring all methods on all forward models, and of going on with it."""

import dataclasses

import numpy as np
import pytest
import skimage.data

from paper_experiments.common import image_sets, provenance
from paper_experiments.common.errors import UserError
from paper_experiments.common.observations import psnr_of
from paper_experiments.unseen import measurement, problems
from paper_experiments.unseen.methods import Method
from paper_experiments.unseen.problems import OPERATORS

_IMAGES = {
    name: getattr(skimage.data, name)()[100:137, 200:240]
    for name in ("astronaut", "chelsea")
}
_OPERATORS = [o for o in OPERATORS if o.name in ("half", "mirrored")]


def _first(problem):
    image = np.asarray(problem.model.adjoint(problem.observation))[0]
    return np.clip(image, 0, 1)


def _masks_only(problem):
    return [_first(problem) if hasattr(problem.model, "mask") else None]


@pytest.fixture(name="calls")
def _calls():
    return []


@pytest.fixture(name="measured")
def _measured(tmp_path, calls):
    """A measurement of two quick methods, which say what they are asked."""

    def brighter(problem):
        calls.append(("brighter", problem.sigma))
        return [np.clip(_first(problem) + c, 0, 1) for c in (0.1, 0.2)]

    ways = [
        Method("first", ("first",), _masks_only, "a", 0),
        Method("brighter", ("plus 0.1", "plus 0.2"), brighter, "b", 3),
    ]
    ids = list(_IMAGES)
    test = image_sets.TestImages(
        "mine", _IMAGES, {i: n for n, i in enumerate(ids)}, {"mine": ids}
    )
    folder = tmp_path / "measured"
    return measurement.Measurement(test, ways, 0, folder, _OPERATORS)


def test_values_are_those_of_a_direct_computation(measured):
    found = measured.run()
    assert set(found) == {(i, o.name) for i in _IMAGES for o in _OPERATORS}
    for number, image_id in enumerate(_IMAGES):
        clean = measured.clean(image_id)
        # 37 x 40, cut to multiples of 3.
        assert clean.shape == (36, 39, 1)
        for operator in _OPERATORS:
            kept = found[image_id, operator.name]
            problem = problems.observe(operator, clean, 0, number)
            expected = {"first": psnr_of(_first(problem), clean)}
            for c in (0.1, 0.2):
                image = np.clip(_first(problem) + c, 0, 1)
                expected[f"plus {c}"] = psnr_of(image, clean)
            if operator.name == "mirrored":
                del expected["first"]
            assert kept.psnr == pytest.approx(expected)
            # Pictures show the first image.
            assert set(kept.shown) == (set() if number else set(expected))
            for image in kept.shown.values():
                assert (image.shape, image.dtype) == ((36, 39, 1), np.uint8)


def test_weights_in_a_folder_are_kept_by_its_name(measured):
    """A row is called so where weights are as train.py leaves them."""
    _, second = measured.methods
    name = "train/rim_any (yours)"
    measured = dataclasses.replace(measured, methods=[second._replace(name=name)])
    measured.run()
    assert not measured.missing()
    names = {path.name for path in measured.folder.iterdir()}
    assert len(names) == len(_IMAGES) * len(_OPERATORS)
    assert "000_half_train_rim_any_yours_.npz" in names


def test_means_are_over_images(measured):
    found = measured.run()
    records = measurement.to_measured(found, measured.test, _OPERATORS)
    assert len(records) == 3 + 2
    for record in records:
        (operator,) = (
            o for o in _OPERATORS if o.title == record.condition["forward_model"]
        )
        assert record.condition["origin"] == operator.origin
        assert record.condition["sigma"] == operator.sigma
        values = [found[i, operator.name].psnr[record.model] for i in _IMAGES]
        assert record.mean == pytest.approx(np.mean(values))
        assert record.num_images == 2


@pytest.mark.parametrize("damage", ["missing", "empty", "broken"])
def test_what_is_kept_is_not_measured_again(measured, calls, damage):
    whole = measured.run()
    assert len(calls) == 4
    assert measured.missing() == []
    assert measured.pixel_steps() == 0
    path = measured.folder / "001_mirrored_brighter.npz"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else 100])
    assert measured.pixel_steps() == 36 * 39 * 3
    again = measured.run()
    assert calls[4:] == [("brighter", 2 / 255)]
    assert again.keys() == whole.keys()
    for key, kept in again.items():
        assert kept.psnr == whole[key].psnr
        for name, image in kept.shown.items():
            np.testing.assert_array_equal(image, whole[key].shown[name])


def test_an_interrupted_run_goes_on_to_the_same_values(measured, tmp_path):
    whole = measured.run()
    seen = []

    def interrupted(problem):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(problem)
        return measured.methods[1].restore(problem)

    first, second = measured.methods
    other = dataclasses.replace(
        measured,
        folder=tmp_path / "other",
        methods=[first, second._replace(restore=interrupted)],
    )
    with pytest.raises(KeyboardInterrupt):
        other.run()
    # Of four pairs, two are done, and one method of the third.
    assert len(other.missing()) == 3
    again = dataclasses.replace(measured, folder=other.folder).run()
    assert {k: v.psnr for k, v in again.items()} == {
        k: v.psnr for k, v in whole.items()
    }


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        *(("nothing", 0), ("commit", 0), ("seed", 8), ("method", 4), ("sigma", 4)),
        *(("kernel", 4), ("mask", 4), ("image", 4), ("a new method", 4)),
    ],
)
def test_what_was_measured_otherwise_is_measured_again(
    measured, monkeypatch, changed, number
):
    measured.run()
    first, second = measured.methods
    half, mirrored = _OPERATORS
    kernel = problems.kernels.gaussian(9, 1)
    test = measured.test
    changes = {
        "seed": {"seed": 1},
        "method": {"methods": [first, second._replace(fingerprint="c")]},
        "a new method": {
            "methods": [first, second, second._replace(name="new", fingerprint="d")]
        },
        "sigma": {"operators": [half._replace(sigma=3), mirrored]},
        "kernel": {"operators": [half, mirrored._replace(make=problems._blur(kernel))]},
        "mask": {
            "operators": [
                half._replace(make=lambda s: problems.Inpainting.random(s, 0.5, 9)),
                mirrored,
            ]
        },
        "image": {
            "test": dataclasses.replace(
                test, images={**test.images, "chelsea": _IMAGES["astronaut"]}
            )
        },
    }
    monkeypatch.setattr(provenance, "commit", lambda: "another")
    other = dataclasses.replace(measured, **changes.get(changed, {}))
    assert len(other.missing()) == number


def test_commits_are_told(measured, monkeypatch):
    monkeypatch.setattr(provenance, "commit", lambda: "first")
    measured.run()
    (measured.folder / "000_half_first.npz").unlink()
    monkeypatch.setattr(provenance, "commit", lambda: "second")
    found = measured.run()
    assert found["astronaut", "half"].commits == {"first", "second"}
    assert found["chelsea", "half"].commits == {"first"}


def test_images_that_are_too_small(measured):
    measured.check_sizes()
    images = {"a": np.zeros((60, 32, 3), np.uint8)}
    test = dataclasses.replace(measured.test, images=images)
    with pytest.raises(UserError, match="--images: a has 60x32 pixels, too few"):
        dataclasses.replace(measured, test=test).check_sizes()
