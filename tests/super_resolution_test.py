"""Tests of the protocol of super-resolution."""

import csv
import dataclasses
import warnings

import numpy as np
import pytest
import skimage.data

from paper_experiments.common import image_sets, super_resolution, table
from paper_experiments.common.errors import UserError
from paper_experiments.common.kept_values import KeptValues
from rim_tf import files, images


def _test_images(*loaded):
    ids = [f"{number}.png" for number in range(len(loaded))]
    return image_sets.TestImages(
        "mine",
        dict(zip(ids, loaded, strict=True)),
        {image_id: number for number, image_id in enumerate(ids)},
        {"mine": ids},
    )


def test_small_images_are_matlabs_to_the_bit(bsds300_images):
    """Of three images; bicubic_test.py has all 300, but does not crop as we do."""
    folder = bsds300_images.parents[1] / "SelfExSR_BSD100_LR"
    if not folder.is_dir():
        pytest.skip("MATLAB's small images are not in ../shared/data")
    with (folder / "ids.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:3]
    for row in rows:
        path = bsds300_images / "test" / f"{row['bsds300_test_id']}.jpg"
        for factor in super_resolution.FACTORS:
            ours = super_resolution.pair(images.read_image(path), factor).small
            name = f"x{factor}/img_{row['img']}_SRF_{factor}_LR.png"
            np.testing.assert_array_equal(ours, images.read_image(folder / name))


def test_pair_is_cropped_to_a_multiple_of_the_factor():
    image = skimage.data.astronaut()[:61, 150:251]
    pair = super_resolution.pair(image, 3)
    np.testing.assert_array_equal(pair.large, image[:60, :99])
    assert pair.small.shape == (20, 33, 3)
    assert pair.bicubic.shape == pair.large.shape
    assert pair.observation.dtype == np.float32
    np.testing.assert_allclose(
        255 * pair.observation, images.to_luminance(pair.small), rtol=1e-6
    )


def test_quality():
    pair = super_resolution.pair(skimage.data.astronaut()[:61, 150:251], 3)
    perfect = pair.quality(pair.clean)
    assert (perfect.psnr, perfect.ssim) == (np.inf, pytest.approx(1.0))
    # What is wrong in the border does not count; a level of one everywhere does.
    wrong = pair.clean.copy()
    wrong[:3], wrong[:, -3:] = 0, 0
    assert pair.quality(wrong) == perfect
    shifted = pair.quality(pair.clean + np.uint8(1))
    assert shifted.psnr == pytest.approx(20 * np.log10(255))
    bicubic = pair.quality(images.to_luminance(pair.bicubic))
    assert bicubic == pytest.approx((28.775, 0.806), abs=1e-3)


@pytest.mark.parametrize("factor", super_resolution.FACTORS)
def test_smallest_images(factor):
    """SSIM is a number for the smallest image that counts as large enough."""
    image = skimage.data.astronaut()[:20, :60]
    test = _test_images(image)
    super_resolution.check_sizes(test)
    pair = super_resolution.pair(test.images["0.png"], factor)
    assert pair.quality(pair.clean).ssim == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(18, 60), (60, 18)])
def test_images_that_are_too_small(shape):
    large, small = (np.zeros((*size, 3), np.uint8) for size in ((60, 60), shape))
    message = f"--images: 1.png has {shape[0]}x{shape[1]} pixels.* factor of"
    with pytest.raises(UserError, match=message):
        super_resolution.check_sizes(_test_images(large, small))


def test_bicubic_is_measured_for_each_image_and_factor():
    image = skimage.data.astronaut()[:48, 150:198]
    results = super_resolution.measure_bicubic(_test_images(image, image[::-1]))
    assert list(results) == [2, 3, 4]
    for factor, values in results.items():
        assert list(values) == ["0.png", "1.png"]
        pair = super_resolution.pair(image, factor)
        expected = pair.quality(images.to_luminance(pair.bicubic))
        assert values["0.png"] == pytest.approx(expected)
    # The larger the factor the worse.
    psnr = [values["0.png"].psnr for values in results.values()]
    assert psnr == sorted(psnr, reverse=True)


def test_rim_is_measured_at_its_last_step_and_the_first_image_shown(
    monkeypatch, tmp_path
):
    """A model that gives black, and the truth of the first image at the end."""
    image = skimage.data.astronaut()[:48, 150:198]

    def iterate(model, observation, forward_model, num_steps):
        clean = super_resolution.pair(image, forward_model.factor).clean / 255.0
        yield from (num_steps - 1) * [0 * clean[None]]
        yield clean[None]

    monkeypatch.setattr(super_resolution, "iterate", iterate)
    monkeypatch.setattr(
        super_resolution.provenance, "fingerprint", lambda models, but: repr(models)
    )
    test, kept = _test_images(image, image[::-1]), KeptValues(tmp_path)
    measured = super_resolution.measure_rim(None, test, 4, kept)
    results, pictures, detail, trajectory = measured
    for values in results.values():
        assert values["0.png"].psnr == np.inf
        assert values["1.png"].psnr < 20
    assert [picture.title for picture in pictures] == [f"RIM\nx{n}" for n in (2, 3, 4)]
    assert {picture.image for picture in pictures} == {"0.png"}
    for factor, picture in zip((2, 3, 4), pictures, strict=True):
        size = 48 - 2 * factor
        assert list(picture.estimates) == [1, 3, 4]
        assert {p.shape for p in picture.estimates.values()} == {(size, size, 1)}
        np.testing.assert_array_equal(picture.estimates[4], picture.clean)
        assert picture.observed == "bicubic"
    shown, images_of_detail = detail
    np.testing.assert_array_equal(shown, image / 255)
    bicubic, rim = images_of_detail
    large = images.to_luminance(super_resolution.pair(image, 3).bicubic)
    psnr = super_resolution.pair(image, 3).quality(large).psnr
    assert bicubic == f"bicubic, x3: {psnr:.2f} dB"
    assert rim == "RIM: inf dB"
    assert len(trajectory.estimates) == 4
    np.testing.assert_array_equal(trajectory.estimates[-1], trajectory.clean)
    np.testing.assert_array_equal(trajectory.clean, pictures[1].clean)
    assert list(trajectory.beside) == ["bicubic", "clean"]
    # Of the others only the first, which is shown, is restored again.
    restored = []
    monkeypatch.setattr(
        super_resolution,
        "iterate",
        lambda *a, **k: restored.append(a) or iterate(*a, **k),
    )
    again = super_resolution.measure_rim(None, test, 4, KeptValues(tmp_path))
    assert again.results == results
    assert len(restored) == 3


def test_a_white_page_is_left_out_of_the_mean_and_said(tmp_path):
    """Made small and large again it has no error, and an infinite PSNR."""
    white = np.full((40, 36, 3), 255, np.uint8)
    cat = skimage.data.chelsea()[100:140, 100:150]
    test = _test_images(white, cat)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = super_resolution.measure_bicubic(test)
        scores = super_resolution.to_measured(results, "Bicubic", test)
    alone = super_resolution.measure_bicubic(_test_images(cat))
    for score in scores[:3]:
        factor = score.condition["factor"]
        assert score.mean == pytest.approx(alone[factor]["0.png"].psnr)
        assert score.per_image["0.png"] == np.inf
    name = table.row_name("Bicubic", scores[:3], test)
    assert name == "Bicubic, MEASURED (1 of 2; 1 restored without error)"
    files.write_json(tmp_path / "a.json", [dataclasses.asdict(s) for s in scores])
    assert "Infinity" not in (tmp_path / "a.json").read_text()
