"""Table 3 of Putzky and Welling (2017): super-resolution by factors of 2, 3 and 4.

    python paper_experiments/table3_super_resolution.py

makes the 100 test images of BSDS-300 small with MATLAB's bicubic kernel and large
again: with that kernel, and with one RIM for all factors, whose forward model is the
kernel. Prints mean PSNR and SSIM, with standard errors, beside the reported numbers,
and writes `result.json`, `table.md`, `estimates.png` and `detail.png`. With
`--lr_dir` it takes small images that MATLAB made; ours are the same bit by bit.

The network has no strides but dilated convolutions (a trous), as the paper says, in
a ConvGRU of 100 features: 502,557 parameters, the "about 500,000" of the paper.

Expected, with the paper's RIM: 31.39, 28.51 and 27.01 dB; these were recalled and not
read again in a copy of the paper, which the table says, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags
from tqdm import tqdm

from paper_experiments import (
    experiment,
    figures,
    image_sets,
    model_training,
    reporting,
    super_resolution,
    trained_models,
)
from paper_experiments.user_errors import UserError
from rim_tf import images
from rim_tf.cells import RIMCell
from rim_tf.forward_models import BicubicDownsampling
from rim_tf.problems import SuperResolutionProblem
from rim_tf.restoration import iterate
from rim_tf.rim import RIM

_LR_DIR = flags.DEFINE_string(
    "lr_dir",
    None,
    "A folder with x2/img_001_SRF_2_LR.png and so on: small images made by MATLAB.",
)

_SCRIPT = "table3_super_resolution"
_COLOR = "luminance"
_PATCH_SIZE = 36
_MEASURES = ("psnr", "ssim")
# The test set of the paper's table.
_SET = "100"
_DETAIL_FACTOR = 3

# Quality by factor and image id.
Results = dict[int, dict[str, super_resolution.Quality]]


def main() -> None:
    run = trained_models.start(_SCRIPT)
    test = experiment.load_test_images(_SET)
    _check_sizes(test)
    # So that a missing image is found now, not in the middle.
    for image_id in test.images:
        for factor in super_resolution.FACTORS if _LR_DIR.value else ():
            _pair(test, image_id, factor)
    model, history = trained_models.obtain_model(
        run,
        "rim_super_resolution",
        SuperResolutionProblem(super_resolution.FACTORS),
        _COLOR,
        lambda: _new_model(run.dtype),
    )
    experiment.announce_duration(
        model, test, _COLOR, run, len(super_resolution.FACTORS)
    )
    reported = reporting.read_reported(_SCRIPT)
    notes = _notes(test, reported, history, run)
    table = _Table()
    for name in reported["psnr"]:
        table.add_reported(name, reported)
    measured = table.add_measured("Bicubic", _measure_bicubic(test), test)
    results, pictures, detail = _measure_rim(model, test, run)
    measured += table.add_measured("RIM", results, test)
    figures.save_estimates(pictures, run.output_dir / "estimates.png")
    figures.save_detail(*detail, run.output_dir / "detail.png")
    text = "\n".join([*table.lines, "", *notes])
    experiment.write_results(run, test, measured, reported, {"RIM": history}, text)
    print("\n".join(["", *notes]))
    print(
        "\nWrote result.json, table.md, estimates.png and detail.png to "
        f"{run.output_dir} after {reporting.describe_seconds(run.seconds)}."
    )


def _new_model(dtype: str) -> RIM:
    cell = RIMCell(stride=1, dilation=2, state_features=100, dtype=dtype)
    return RIM(cell, dtype=dtype)


def _check_sizes(test: image_sets.TestImages) -> None:
    """Raises a `UserError` if SSIM cannot be measured for an image."""
    for image_id, image in test.images.items():
        for factor in super_resolution.FACTORS:
            if not super_resolution.is_large_enough(image, factor):
                height, width = image.shape[:2]
                raise UserError(
                    f"--images: {image_id} has {height}x{width} pixels, too few to "
                    f"measure SSIM for a factor of {factor}; give images of 20x20 "
                    "pixels or more."
                )


def _pair(
    test: image_sets.TestImages, image_id: str, factor: int
) -> super_resolution.Pair:
    return super_resolution.pair(test, image_id, factor, _LR_DIR.value)


def _measure_bicubic(test: image_sets.TestImages) -> Results:
    results: Results = {}
    for factor in super_resolution.FACTORS:
        bar = tqdm(test.images, f"Bicubic, x{factor}", unit="image", leave=False)
        for image_id in bar:
            pair = _pair(test, image_id, factor)
            luminance = images.to_luminance(pair.bicubic)
            results.setdefault(factor, {})[image_id] = pair.quality(luminance)
    return results


def _measure_rim(
    model: RIM, test: image_sets.TestImages, run: experiment.Experiment
) -> tuple[Results, list[figures.Restored], tuple[np.ndarray, Mapping]]:
    """Returns the quality of all images, and what pictures show of the first."""
    results: Results = {}
    pictures, detail = [], None
    for factor in super_resolution.FACTORS:
        bar = tqdm(test.images, f"RIM, x{factor}", unit="image", leave=False)
        for image_id in bar:
            pair = _pair(test, image_id, factor)
            kept = _restore(model, pair, run.num_steps)
            luminance = images.to_8_bits(kept[run.num_steps])
            values = results.setdefault(factor, {})
            values[image_id] = pair.quality(luminance)
            mean = np.mean([quality.psnr for quality in values.values()])
            bar.set_postfix_str(f"mean so far {mean:.2f} dB")
            if len(values) == 1:
                pictures.append(_picture(pair, kept))
                if factor == _DETAIL_FACTOR:
                    detail = _detail(pair, luminance)
    return results, pictures, detail


def _restore(
    model: RIM, pair: super_resolution.Pair, num_steps: int
) -> dict[int, np.ndarray]:
    """Returns the estimates that are shown, by t, the last one among them."""
    estimates = iterate(
        model,
        pair.observation[np.newaxis],
        BicubicDownsampling(pair.factor),
        num_steps=num_steps,
    )
    shown_steps = figures.steps_to_show(num_steps)
    return {
        t: np.asarray(estimate)[0]
        for t, estimate in enumerate(estimates, start=1)
        if t in shown_steps
    }


def _picture(
    pair: super_resolution.Pair, estimates: Mapping[int, np.ndarray]
) -> figures.Restored:
    border = pair.factor
    clean, large, *kept = (
        image[border:-border, border:-border]
        for image in (
            pair.clean / 255.0,
            images.to_luminance(pair.bicubic) / 255.0,
            *(images.to_8_bits(estimate) / 255.0 for estimate in estimates.values()),
        )
    )
    return figures.Restored(
        f"x{pair.factor}",
        clean,
        large,
        dict(zip(estimates, kept, strict=True)),
        "bicubic",
    )


def _detail(
    pair: super_resolution.Pair, luminance: np.ndarray
) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    large = images.to_luminance(pair.bicubic)
    before, after = pair.quality(large).psnr, pair.quality(luminance).psnr
    return pair.large / 255.0, {
        f"bicubic, x{pair.factor}: {before:.2f} dB": pair.bicubic / 255.0,
        f"RIM: {after:.2f} dB": images.replace_luminance(pair.bicubic, luminance),
    }


class _Table:
    """The table, printed row by row."""

    def __init__(self):
        headings = [
            f"{measure.upper()}: x{factor}"
            for measure in _MEASURES
            for factor in super_resolution.FACTORS
        ]
        self._table = reporting.Table(["mean ± standard error", *headings], 27, 15)
        print("\n".join(self.lines))

    @property
    def lines(self) -> list[str]:
        return self._table.lines

    def add_reported(self, name: str, reported: Mapping[str, Any]) -> None:
        values = [
            _format(measure, *reported[measure][name][str(factor)])
            for measure in _MEASURES
            for factor in super_resolution.FACTORS
        ]
        verified = "" if name not in reported["unverified_rows"] else ", UNVERIFIED"
        print(self._table.add(f"{name}, reported{verified}", values), flush=True)

    def add_measured(
        self, name: str, results: Results, test: image_sets.TestImages
    ) -> list[reporting.Measured]:
        """Adds a row, and returns the values that it shows."""
        measured = [
            _to_measured(name, set_name, ids, measure, factor, results[factor])
            for set_name, ids in test.sets.items()
            for measure in _MEASURES
            for factor in super_resolution.FACTORS
        ]
        values = [
            _format(record.metric, record.mean, record.standard_error)
            for record in measured
        ]
        print(self._table.add(f"{name}, MEASURED", values), flush=True)
        return measured


def _to_measured(
    name: str,
    set_name: str,
    ids: Sequence[str],
    measure: str,
    factor: int,
    results: Mapping[str, super_resolution.Quality],
) -> reporting.Measured:
    values = {i: getattr(results[i], measure) for i in ids}
    return reporting.Measured(
        model=name,
        test_set=set_name,
        condition={"factor": factor},
        metric=measure,
        mean=float(np.mean(list(values.values()))),
        num_images=len(values),
        per_image={i: round(value, 5) for i, value in values.items()},
    )


def _format(measure: str, mean: float, standard_error: float | None) -> str:
    digits = 2 if measure == "psnr" else 4
    if standard_error is None:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {standard_error:.{digits}f}"


def _notes(
    test: image_sets.TestImages,
    reported: Mapping[str, Any],
    history: Mapping[str, Any],
    run: experiment.Experiment,
) -> list[str]:
    ((name, ids),) = test.sets.items()
    origin = (
        "read from --lr_dir" if _LR_DIR.value else "made as MATLAB does, to the bit"
    )
    return [
        *(f"* **{note}**" for note in test.notes),
        f"* Test set {name}: {reporting.count(len(ids), 'image')}. Luminance (16 to "
        "235, 8 bits) without a border of `factor` pixels, PSNR in dB with peak 255. "
        f"Small images: {origin}.",
        f"* Reported numbers: {reported['source']}; {reported['provenance']}.",
        *(
            f"* **UNVERIFIED row: {row}, recalled, not read again in a copy of the "
            "paper.**"
            for row in reported["unverified_rows"]
        ),
        f"* RIM, MEASURED: T = {run.num_steps}, {run.dtype}. "
        f"{reporting.training_note(history)}",
    ]


if __name__ == "__main__":
    model_training.set_default_patch_size(_PATCH_SIZE)
    experiment.run_script(main, without=["baselines", "max_sigma", "test_set"])
