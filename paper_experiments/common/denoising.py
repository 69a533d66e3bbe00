"""One way to run the denoising tables: test images, models, table, pictures."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from absl import flags

from paper_experiments import (
    baselines,
    denoising,
    experiment,
    figures,
    image_sets,
    model_training,
    reporting,
    trained_models,
)
from paper_experiments.user_errors import UserError
from rim_tf import pretrained
from rim_tf.cells import RIMCell
from rim_tf.problems import DenoisingProblem
from rim_tf.restoration import restore
from rim_tf.rim import RIM

_ESTIMATES_FILE = "estimates.png"
_DETAIL_FILE = "detail.png"
# What the picture of a detail shows is restored at this noise level.
_DETAIL_SIGMA = 25
# Of a mean, in dB; what is farther below the reported number does not reproduce it.
_CLOSE = 0.15

_ROWS = flags.DEFINE_list(
    "rows",
    None,
    "Measured rows of RIMs, in any order, by their names in the table without "
    "brackets, such as RIM-3task,RIM-denoise; all by default.",
)


@dataclasses.dataclass(frozen=True)
class DenoisingTable:
    """A table of denoising results, or a half of one.

    Attributes:
      script: Name of the script.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      sigmas: Noise levels on the scale from 0 to 255.
      quantized: Whether noisy images are clipped and rounded to 8 bits.
      model: Name of the row that `--weights` and `--train` are about.
      weights: Name of its shipped weights.
      trained_on_quantized: Whether `--train` trains on such images, too.
      others: Names of other shipped weights by the names of their rows.
    """

    script: str
    color: str
    sigmas: tuple[int, ...]
    quantized: bool
    model: str
    weights: str
    trained_on_quantized: bool = False
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def observations(self, sigma: float, seed: int) -> denoising.Observations:
        """Returns how test images become noisy."""
        return denoising.Observations(sigma, self.color, self.quantized, seed)


def reproduce(spec: DenoisingTable) -> None:
    """Restores the test images, prints the table, and writes all files."""
    weights = _weights_of_rows(spec)
    run = trained_models.start(spec.script)
    test = experiment.load_test_images()
    # The first row is the one in the pictures. Models of others are loaded when their
    # turn comes: the first need not wait for them.
    (first, first_weights), *others = weights.items()
    model, history = trained_models.obtain_model(
        run,
        first_weights,
        DenoisingProblem(model_training.max_sigma(), spec.trained_on_quantized),
        spec.color,
        lambda: _new_model(spec.color, run.dtype),
    )
    histories = {first: history}
    for row, name in others:
        histories[row] = {"name": name, **pretrained.read_history(name)}
    times = len(spec.sigmas) * len(histories)
    experiment.announce_duration(model, test, spec.color, run, times)
    # Before the long work, so that nothing is lost to a history that says too little.
    report = _Report(spec, run, test)
    notes = report.notes(histories)
    report.fill(first, model, dict(others))
    verdicts = compare(report.measured, report.reported["rows"], test)
    report.table.lines += ["", *verdicts, *notes]
    figures.save_estimates(report.pictures, run.output_dir / _ESTIMATES_FILE)
    report.save_detail(first, model)
    text = "\n".join(report.table.lines)
    experiment.write_results(
        run, test, report.measured, report.reported, histories, text
    )
    print("\n".join(report.table.lines[report.table.lines.index("") :]))
    print(
        f"\nWrote result.json, table.md, {_ESTIMATES_FILE} and {_DETAIL_FILE} to "
        f"{run.output_dir} after {reporting.describe_seconds(run.seconds)}."
    )


def _weights_of_rows(spec: DenoisingTable) -> dict[str, str]:
    """Returns names of weights by the rows that `--rows` asks for, in their order.

    Raises:
      UserError: If the table has no such row, or is left without the row that other
        flags are about.
    """
    weights = {spec.model: spec.weights, **spec.others}
    rows = [_short(row) for row in weights]
    wanted = rows if _ROWS.value is None else [_short(row) for row in _ROWS.value]
    unknown = [row for row in wanted if row not in rows]
    if unknown or not wanted:
        raise UserError(
            f"--rows: this table has no row {', '.join(unknown) or 'without a name'}; "
            f"there are: {', '.join(rows)}."
        )
    if _short(spec.model) not in wanted and trained_models.chooses_weights():
        raise UserError(
            f"--rows: --weights and --train are about the row {_short(spec.model)}."
        )
    return {row: name for row, name in weights.items() if _short(row) in wanted}


def _short(row: str) -> str:
    """Returns the name of a row as `--rows` has it, without what is in brackets."""
    return row.split(" (")[0]


def _new_model(color: str, dtype: str) -> RIM:
    return RIM(RIMCell(channels=3 if color == "rgb" else 1, dtype=dtype), dtype=dtype)


class _Report:
    """What a run measures, and the table and pictures made of it."""

    def __init__(
        self,
        spec: DenoisingTable,
        run: experiment.Experiment,
        test: image_sets.TestImages,
    ):
        self.spec, self.run, self.test = spec, run, test
        self.reported = reporting.read_reported(spec.script)
        self.measured: list[reporting.Measured] = []
        self.pictures: list[figures.Restored] = []
        self.baselines = baselines.Baselines(
            spec.script, spec.color, test, run.output_dir, run.seed
        )
        sets = list(dict.fromkeys(["68", "100", *test.sets]))
        self.columns = [(name, sigma) for name in sets for sigma in spec.sigmas]
        headings = [f"{name}: {sigma}" for name, sigma in self.columns]
        self.table = reporting.Table(["PSNR in dB", *headings], 40)

    def fill(self, first: str, model: RIM, others: Mapping[str, str]) -> None:
        """Prints reported and measured rows as they are ready.

        Args:
          first: The first measured row.
          model: Its model.
          others: Names of shipped weights by the names of the other rows.
        """
        print("\n".join(self.table.lines))
        for name, values in self.reported["rows"].items():
            self._add(
                f"{name}, reported",
                {(s, int(k)): v for s, row in values.items() for k, v in row.items()},
            )
            if name in self.baselines.names:
                self._add_baseline(name)
        for name in self.baselines.names:
            if name not in self.reported["rows"]:
                self._add_baseline(name)
        self._add_observations()
        self._add_model(first, model)
        for row, name in others.items():
            self._add_model(row, pretrained.load_pretrained(name, self.run.dtype))

    def notes(self, histories: Mapping[str, Any]) -> list[str]:
        """Says what a reader must know to compare the numbers."""
        sizes = ", ".join(f"{name}: {len(ids)}" for name, ids in self.test.sets.items())
        quantized = (
            "Noisy images were clipped to [0, 255] and rounded to 8 bits. "
            if self.spec.quantized
            else ""
        )
        return [
            *(f"* **{note}**" for note in self.test.notes),
            f"* Columns are `test set: sigma`. Images measured: {sizes}. {quantized}"
            "Mean over images of the PSNR of the estimate clipped to [0, 1], not "
            "rounded.",
            f"* Reported numbers: {self.reported['source']}; "
            f"{self.reported['provenance']}.",
            *(
                f"* {row}, MEASURED: T = {self.run.num_steps}, seed "
                f"{self.run.seed}, {self.run.dtype}. "
                f"{reporting.training_note(history)}"
                for row, history in histories.items()
            ),
        ]

    def save_detail(self, row: str, model: RIM) -> None:
        """Draws a detail of the first image, noisy and restored by a row's model."""
        observations = self._observations(_DETAIL_SIGMA)
        image_id = next(iter(self.test.images))
        clean = observations.clean(self.test, image_id)
        noisy = observations.observe(clean, self.test.numbers[image_id])
        restored = restore(
            model,
            noisy[None],
            sigma=observations.unit_sigma,
            num_steps=self.run.num_steps,
        )
        # The first is the best of them; the others need no time to speak of.
        wanted = experiment.wants_baselines()
        baseline = self.baselines.names[0] if wanted else "total variation"
        estimates = {
            baseline: self.baselines.restore(baseline, observations, image_id),
            f"{_short(row)}, t = {self.run.num_steps}": (
                keras.ops.convert_to_numpy(restored)[0]
            ),
        }
        noisy_psnr = denoising.psnr_of(noisy, clean, clip=False)
        titled = {f"noisy, sigma {_DETAIL_SIGMA}: {noisy_psnr:.2f} dB": noisy}
        for name, image in estimates.items():
            titled[f"{name}: {denoising.psnr_of(image, clean):.2f} dB"] = image
        figures.save_detail(clean, titled, self.run.output_dir / _DETAIL_FILE)

    def _observations(self, sigma: float) -> denoising.Observations:
        return self.spec.observations(sigma, self.run.seed)

    def _add(self, name: str, values: Mapping[tuple[str, int], float]) -> None:
        row = self.table.add(name, [values.get(column) for column in self.columns])
        print(row, flush=True)

    def _add_measured(self, name: str, records: list[reporting.Measured]) -> None:
        values = {(r.test_set, r.condition["sigma"]): r.mean for r in records}
        self._add(f"{name}, MEASURED{_how_many(records, self.test)}", values)
        self.measured += records

    def _add_model(self, name: str, model: RIM) -> None:
        records = []
        pictures = []
        for sigma in self.spec.sigmas:
            observations = self._observations(sigma)
            result = denoising.denoise(
                model,
                self.test,
                observations,
                self.run.num_steps,
                f"{name}, sigma {sigma}",
            )
            records += denoising.to_measured(result.psnr, name, self.test, observations)
            title = f"{_short(name)}\n{result.picture.title}"
            pictures.append(result.picture._replace(title=title))
        self._add_measured(name, records)
        self.pictures = self.pictures or pictures

    def _add_baseline(self, name: str) -> None:
        records = []
        for sigma in self.spec.sigmas:
            observations = self._observations(sigma)
            if experiment.wants_baselines():
                self.baselines.measure(name, observations)
            records += denoising.to_measured(
                self.baselines.known(name, observations), name, self.test, observations
            )
        if records:
            self._add_measured(name, whole_sets(records, self.test))

    def _add_observations(self) -> None:
        records = []
        for sigma in self.spec.sigmas:
            observations = self._observations(sigma)
            psnr = {}
            for image_id, number in self.test.numbers.items():
                if image_id in self.test.images:
                    clean = observations.clean(self.test, image_id)
                    noisy = observations.observe(clean, number)
                    psnr[image_id] = denoising.psnr_of(noisy, clean, clip=False)
            records += denoising.to_measured(
                psnr, "noisy observation", self.test, observations
            )
        self._add_measured("noisy observation", records)


def whole_sets(
    records: list[reporting.Measured], test: image_sets.TestImages
) -> list[reporting.Measured]:
    """Returns the results on whole test sets; all of them where no set is whole.

    A baseline measured on the 68 images only is not shown as one of the 100.
    """
    return [r for r in records if _is_whole(r, test)] or records


def _is_whole(record: reporting.Measured, test: image_sets.TestImages) -> bool:
    return record.num_images == len(test.sets[record.test_set])


def compare(
    measured: list[reporting.Measured],
    reported: Mapping[str, Any],
    test: image_sets.TestImages,
) -> list[str]:
    """Says of each model of the paper whether its numbers were reached.

    Only of what was measured on all images of one of the paper's test sets.

    Args:
      measured: All that was measured.
      reported: The rows of `reporting.read_reported`.
      test: The test images.
    """
    if test.dataset != "bsds300":
        return []
    differences: dict[str, dict[str, list[float]]] = {}
    for record in measured:
        sigma = f"{record.condition['sigma']:g}"
        value = reported.get(record.model, {}).get(record.test_set, {}).get(sigma)
        is_comparable = str(record.num_images) == record.test_set and value is not None
        if record.model.startswith("RIM") and is_comparable:
            row = differences.setdefault(record.model, {})
            row.setdefault(record.test_set, []).append(record.mean - value)
    return [_describe_differences(*item) for item in differences.items()]


def _describe_differences(name: str, differences: Mapping[str, list[float]]) -> str:
    numbers = ", ".join(
        f"{' / '.join(f'{value:+.2f}' for value in values)} dB on the {test_set} images"
        for test_set, values in differences.items()
    )
    least = min(min(values) for values in differences.values())
    return (
        f"* {name}, measured less reported: {numbers}: "
        f"**{reporting.verdict(least >= -_CLOSE)}** (at most {_CLOSE:g} dB below)."
    )


def _how_many(records: list[reporting.Measured], test: image_sets.TestImages) -> str:
    """Says so where not all images of the test sets were measured."""
    if all(_is_whole(r, test) for r in records):
        return ""
    numbers = sorted({r.num_images for r in records})
    images = reporting.count(numbers[-1], "image")
    return f" on {numbers[0]} to {images}" if len(numbers) > 1 else f" on {images}"
