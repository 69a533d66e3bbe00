"""The denoising tables: rows, notes and pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments.common import (
    durations,
    figures,
    kept_values,
    measured_before,
    method_files,
    provenance,
    table,
    weights,
)
from paper_experiments.common.conditions import DenoisingTable
from paper_experiments.common.image_sets import TestImages
from paper_experiments.common.kept_values import KeptValues
from paper_experiments.common.method_values import MethodValues
from paper_experiments.common.observations import Observations, psnr_of
from paper_experiments.common.run import Outcome, Run, begin_anew_if_asked
from rim_tf import Denoising, pretrained, trajectory
from rim_tf.restoration import iterate
from rim_tf.rim import RIM

_ESTIMATES_FILE = "estimates.png"
_DETAIL_FILE = "detail.png"
# What the picture of a detail shows is restored at this noise level.
_DETAIL_SIGMA = 25
# Stands there where no method was asked for.
_QUICK_METHOD = "cycle_spun_wavelet"


def measure(spec: DenoisingTable, run: Run, test: TestImages) -> Outcome:
    """Restores the test images, prints the table, and draws its pictures."""
    asked = _asked(spec, run.flags["rows"])
    methods = method_files.Methods(run.flags["method"])
    models, histories = _load(asked, spec, run)
    before = _measured_before(spec, run, test, histories)
    begin_anew_if_asked(run)
    kept = KeptValues(run.values_folder)
    if models:
        times = len(spec.sigmas) * len(asked)
        first = next(iter(models.values()))
        durations.announce_duration(first, test, spec.color, run, times, kept)
    # Before the long work, so that nothing is lost to a history that says too little.
    notes = _notes(spec, run, test, asked, histories, before)
    rows = _Rows(spec, run, test, methods, kept)
    rows.add_known()
    for row, result in before.items():
        rows.add_measured_before(row, result)
    written = []
    for row, history in histories.items():
        name = history["name"]
        model = models.get(row) or pretrained.load_pretrained(name, run.dtype)
        pictures = rows.add_model(row, model)
        if row in models:
            figures.save_estimates(pictures, run.output_dir / _ESTIMATES_FILE)
            rows.save_detail(row, model, run.output_dir)
            written = [_ESTIMATES_FILE, _DETAIL_FILE, figures.TRAJECTORY_FILE]
            notes.append(figures.TRAJECTORY_NOTE)
    notes += kept.notes()
    return Outcome(
        rows.table,
        [*rows.verdicts(), *rows.method_notes(), *notes],
        rows.measured,
        rows.reported,
        {**histories, **{row: _weights_of(row, r) for row, r in before.items()}},
        written,
        methods,
    )


def _load(
    asked: Mapping[str, str], spec: DenoisingTable, run: Run
) -> tuple[dict[str, RIM], dict[str, Any]]:
    """Returns the first model by its row, and the histories of all.

    The first has a row of another name if it is another model than that of the table.
    Models of others are loaded when their turn comes: the first need not wait.
    """
    if not asked:
        return {}, {}
    (first, name), *others = asked.items()
    model, history = weights.load(run.flags["weights"] or name, run, spec.color)
    first = weights.row_of(first, name, history)
    return {first: model}, {first: history, **{r: _history(n) for r, n in others}}


def _asked(spec: DenoisingTable, rows: list[str] | None) -> dict[str, str]:
    """Returns names of weights by the rows that are to be measured now."""
    if rows == ["all"]:
        return dict(spec.weights)
    if rows == ["none"]:
        return {}
    asked = spec.rows[:1] if rows is None else map(table.short, rows)
    asked = set(asked)
    return {row: n for row, n in spec.weights.items() if table.short(row) in asked}


def _history(name: str) -> dict[str, Any]:
    return {"name": name, **pretrained.read_history(name)}


def _measured_before(
    spec: DenoisingTable, run: Run, test: TestImages, now: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns results of earlier runs by the rows that are not measured now."""
    found = {
        row: measured_before.find(run, test, row, _history(name))
        for row, name in spec.weights.items()
        if row not in now
    }
    return {row: result for row, result in found.items() if result is not None}


def _weights_of(row: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the history of the weights of a row that was measured before."""
    return {**result["weights"][row], "measured_before": result["versions"]}


def _notes(
    spec: DenoisingTable,
    run: Run,
    test: TestImages,
    asked: Mapping[str, str],
    histories: Mapping[str, Any],
    before: Mapping[str, Any],
) -> list[str]:
    """Says what a reader must know to compare the numbers."""
    reported = table.read_reported(run.script)
    sizes = ", ".join(f"{name}: {len(ids)}" for name, ids in test.sets.items())
    quantized = (
        "Noisy images were clipped to [0, 255] and rounded to 8 bits. "
        if spec.quantized
        else ""
    )
    left = [table.short(row) for row in spec.weights if row not in {**asked, **before}]
    return [
        *(f"* **{note}**" for note in test.notes),
        f"* Columns are `test set: sigma`. Images measured: {sizes}. {quantized}"
        "Mean over images of the PSNR of the estimate clipped to [0, 1], not "
        "rounded; of noisy observations, not clipped.",
        *(
            [
                f"* Reported numbers: {reported['source']}; {reported['provenance']}.",
                f"* {table.published_since(run.script)[1]}",
            ]
            if test.dataset == "bsds300"
            else []
        ),
        *(
            f"* {row}: T = {run.num_steps}, seed {run.seed}, {run.dtype}. "
            f"{provenance.training_note(history)}"
            for row, history in histories.items()
        ),
        *(
            f"* {row}: {measured_before.describe(result)}; --rows={table.short(row)} "
            f"measures it now. {provenance.training_note(result['weights'][row])}"
            for row, result in before.items()
        ),
        *([f"* Not measured: {', '.join(left)}; --rows=all does."] if left else []),
    ]


class _Rows:
    """The rows of a table, printed as they are ready, and what was measured."""

    def __init__(
        self,
        spec: DenoisingTable,
        run: Run,
        test: TestImages,
        methods: method_files.Methods,
        kept: KeptValues,
    ):
        self.spec, self.run, self.test, self.kept = spec, run, test, kept
        self.reported = table.read_reported(run.script)
        self.measured: list[table.Score] = []
        self._models: list[str] = []
        self.observations = [
            Observations(test, sigma, spec.color, spec.quantized, run.seed)
            for sigma in spec.sigmas
        ]
        self.methods = methods
        self.values = MethodValues(
            run.script, spec.color, test, run.output_dir, run.seed, methods
        )
        # The paper's sets have no column where their images were not measured.
        self.is_comparable = test.dataset == "bsds300"
        sets = ["68", "100"] if self.is_comparable else test.sets
        self.columns = [(name, sigma) for name in sets for sigma in spec.sigmas]
        headings = [f"{name}: {sigma}" for name, sigma in self.columns]
        self.table = table.Table(["PSNR in dB", *headings], 45)

    def add_known(self) -> None:
        """Adds what is reported, rival methods, and the noisy images themselves."""
        reported = self.reported["rows"] if self.is_comparable else {}
        for name, values in reported.items():
            self._add(f"{name}, reported", _by_column(values))
            if name in self.values.rows:
                self._add_method(name)
        if self.is_comparable:
            self._add_published_since()
        for name in self.values.rows:
            if name not in reported:
                self._add_method(name)
        records = []
        for observations in self.observations:
            psnr = {i: observations.psnr_of_noisy(i) for i in self.test.images}
            records += self._records("noisy observation", psnr, observations)
        self._add_measured("noisy observation", records)

    def add_model(self, name: str, model: RIM) -> list[figures.Restored]:
        """Measures a RIM; returns what pictures show of the first image."""
        records, pictures = [], []
        for observations in self.observations:
            title = f"{name}, sigma {observations.sigma:g}"
            steps = self.run.num_steps
            psnr, picture = restore_all(model, observations, steps, title, self.kept)
            records += self._records(name, psnr, observations)
            title = f"{table.short(name)}\n{picture.title}"
            pictures.append(picture._replace(title=title))
        self._models.append(name)
        self._add_measured(name, records, self.run.num_steps)
        return pictures

    def add_measured_before(self, name: str, result: Mapping[str, Any]) -> None:
        """Adds a row of an earlier run."""
        records = measured_before.scores(result, name, self.test)
        records = table.whole_sets(records, self.test.sets)
        steps = self.run.num_steps
        self._add_measured(name, records, steps, "measured before")

    def verdicts(self) -> list[str]:
        """Says of each model of the paper whether its numbers were reached.

        A model that was trained by the paper's recipe has a row of its own, with the
        numbers of the same row of the paper.
        """
        rows = self.reported["rows"]

        def reported(record: table.Score) -> float | None:
            row = rows.get(record.model.removesuffix("-paper"), {})
            return row.get(record.test_set, {}).get(f"{record.condition['sigma']:g}")

        return table.compare(
            self.measured, reported, self.test.dataset, self.run.num_steps
        )

    def save_detail(self, row: str, model: RIM, folder: Path) -> None:
        """Draws a detail of the first image, noisy and restored by a row's model.

        Writes a page of all steps, too.
        """
        spec, steps = self.spec, self.run.num_steps
        observations = Observations(
            self.test, _DETAIL_SIGMA, spec.color, spec.quantized, self.run.seed
        )
        image_id = next(iter(self.test.images))
        clean, noisy = observations.clean(image_id), observations.noisy(image_id)
        sigma = observations.unit_sigma
        restored = list(iterate(model, noisy[None], sigma=sigma, num_steps=steps))
        trajectory.show_trajectory(
            restored,
            folder / figures.TRAJECTORY_FILE,
            clean[None],
            noisy[None],
            sigma=sigma,
            title=f"{table.short(row)}, {image_id}, sigma {_DETAIL_SIGMA}",
        )
        estimates = self._of_a_method(observations, image_id)
        last = keras.ops.convert_to_numpy(restored[-1])[0]
        estimates[f"{table.short(row)}, t = {steps}"] = last
        noisy_psnr = observations.psnr_of_noisy(image_id)
        titled = {f"noisy, sigma {_DETAIL_SIGMA}: {noisy_psnr:.2f} dB": noisy}
        for name, image in estimates.items():
            titled[f"{name}: {psnr_of(image, clean):.2f} dB"] = image
        figures.save_detail(clean, titled, folder / _DETAIL_FILE)

    def method_notes(self) -> list[str]:
        """Says of each method that was measured how far it is from a RIM."""
        of_yours = [row for row in self._models if row not in self.spec.weights]
        return self.methods.notes(
            self.measured,
            [*of_yours, *self.spec.weights],
            lambda score: f"{score.test_set}: {score.condition['sigma']:g}",
        )

    def _of_a_method(
        self, observations: Observations, image_id: str
    ) -> dict[str, np.ndarray]:
        """Returns the estimate of the first method that was asked for.

        If none was, of one that needs no time to speak of.
        """
        row = next(iter(self.methods.files), None)
        if row is None:
            file = method_files.load(method_files.find(_QUICK_METHOD))
            noisy = observations.noisy(image_id)
            settings = observations.unit_sigma, Denoising(), noisy.shape
            return {file.row: file.estimate(noisy, *settings)}
        estimate = self.values.restore(row, observations, image_id)
        return {} if estimate is None else {row: estimate}

    def _add_published_since(self) -> None:
        rows, _ = table.published_since(self.run.script)
        if rows:
            self._add("after the paper:", {})
        for name, values in rows.items():
            self._add(f"{name}, published", _by_column(values))

    def _add_method(self, name: str) -> None:
        records = []
        for observations in self.observations:
            self.values.measure(name, observations)
            known = self.values.known(name, observations)
            records += self._records(name, known, observations)
        if records:
            self._add_measured(name, table.whole_sets(records, self.test.sets))

    def _records(
        self, name: str, psnr: Mapping[str, float], observations: Observations
    ) -> list[table.Score]:
        return table.measured_on(self.test.sets, psnr, name, observations.condition)

    def _add_measured(self, name: str, records: list[table.Score], *args: Any) -> None:
        values = {(r.test_set, r.condition["sigma"]): r.mean for r in records}
        self._add(table.row_name(name, records, self.test, *args), values)
        self.measured += records

    def _add(self, name: str, values: Mapping[tuple[str, int], float]) -> None:
        self.table.add(name, [values.get(column) for column in self.columns])


def _by_column(values: Mapping[str, Mapping[str, float]]) -> dict[Any, float]:
    """Returns numbers of a file by test set and noise level."""
    return {
        (test_set, int(sigma)): value
        for test_set, row in values.items()
        for sigma, value in row.items()
    }


def restore_all(
    model: RIM,
    observations: Observations,
    num_steps: int,
    description: str,
    kept: KeptValues,
) -> tuple[dict[str, float], figures.Restored]:
    """Restores the test images at one noise level, but for those that were before.

    Args:
      model: A trained RIM.
      observations: The noisy test images.
      num_steps: T.
      description: What stands before the progress bar.
      kept: What was measured before; what is measured now is added.

    Returns:
      PSNR of the estimates by image id in dB, and what a picture shows of the first.
    """
    fingerprint = provenance.fingerprint({"": model}, kept_values.WHERE)
    depends_on = fingerprint, num_steps, observations.unit_sigma
    psnr, picture = {}, None
    bar = tqdm(observations.test.images, description, unit="image", leave=False)
    for image_id in bar:
        clean, noisy = observations.clean(image_id), observations.noisy(image_id)
        key = kept_values.key(*depends_on, clean, noisy)
        # The first image is restored in any case, since it is shown.
        if picture is None or key not in kept:
            shown = _restore(model, noisy, observations.unit_sigma, num_steps)
        if key not in kept:
            # What was measured stays what it was, and where.
            kept[key] = [psnr_of(shown[num_steps], clean)]
        (psnr[image_id],) = kept[key]
        bar.set_postfix_str(f"mean so far {np.mean(list(psnr.values())):.2f} dB")
        if picture is None:
            title = rf"$\sigma$ = {observations.sigma:g}"
            picture = figures.Restored(title, clean, noisy, shown, image=image_id)
    return psnr, picture


def _restore(
    model: RIM, noisy: np.ndarray, unit_sigma: float, num_steps: int
) -> dict[int, np.ndarray]:
    """Returns the estimates of an image that pictures show, by t."""
    estimates = iterate(model, noisy[None], sigma=unit_sigma, num_steps=num_steps)
    shown_steps = figures.steps_to_show(num_steps)
    return {
        t: keras.ops.convert_to_numpy(estimate)[0]
        for t, estimate in enumerate(estimates, start=1)
        if t in shown_steps
    }
