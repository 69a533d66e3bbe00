"""Where `num_steps="auto"` stops, and what RIMs make of little noise.

    python paper_experiments/when_to_stop.py

restores the 68 test images of BSDS-300 with the noise levels of Table 2 and with little
noise, and five of them from what the forward models of `unseen_operators.py` made of
them. Prints mean PSNR at t = 20 and where `restore(..., num_steps="auto")` stops, and
writes `result.json` and `table.md`. The paper has no such table.

Values are kept as they are made: the same command goes on with an interrupted run.
--num_images=1 is a quick look. --weights takes the place of `rim_any`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from paper_experiments.common import forward_model_names as names
from paper_experiments.common import table
from paper_experiments.common.run import Outcome, reproduce
from paper_experiments.common.wording import count, describe_seconds

if TYPE_CHECKING:
    from paper_experiments.unseen.problems import Problem

_WEIGHTS = {names.ANY: "rim_any", names.DENOISER: "rim_denoise"}
# Half as many again as in the training of all of them.
_MOST_AUTO_STEPS = 30
_TABLE2_SIGMAS, _LITTLE_SIGMAS = (15, 25, 50), (1, 2, 5)


class _Case(NamedTuple):
    """Observations of one kind, and who restores them.

    Attributes:
      rows: The RIMs.
      has_auto: Whether it is asked where "auto" stops.
      condition: What `result.json` says of it.
      test: The images.
      observe: From the id of an image to what is to be restored.
    """

    rows: Sequence[str]
    has_auto: bool
    condition: dict[str, Any]
    test: Any
    observe: Callable[[str], "Problem"]

    @property
    def is_denoising(self) -> bool:
        """Whether observations are images with noise, of the size of the others."""
        return "forward_model" not in self.condition

    @property
    def title(self) -> str:
        """What the table calls it."""
        of_denoising = f"denoising, sigma = {self.condition['sigma']:g}"
        return self.condition.get("forward_model", of_denoising)


def measure(run, test):
    from paper_experiments.common import kept_values

    loaded, histories = _load(run)
    kept = kept_values.KeptValues(run.values_folder)
    cases = [*_with_noise(run, test), *_of_forward_models(run, test)]
    _announce(run, loaded[names.DENOISER][1], cases)
    columns = [names.OBSERVATION, f"t = {run.num_steps}", '"auto"']
    columns += ["difference", "mean t"]
    rows = table.Table(["PSNR in dB", *columns], 36)
    records = []
    for case in cases:
        for row, model in map(loaded.get, case.rows):
            found = _measure(run, case, row, model, kept)
            rows.add(f"{row}, {case.title}", _shown(run, case, row, found))
            records += [record for record in found if record not in records]
    notes = [*_notes(run, test, histories), *kept.notes()]
    return Outcome(rows, notes, records, {}, histories, [])


def _load(run) -> tuple[dict[str, tuple[str, Any]], dict[str, Any]]:
    """Returns row and model by the usual row, and histories by row."""
    from paper_experiments.common import weights

    loaded, histories = {}, {}
    for usual_row, usual in _WEIGHTS.items():
        asked = run.flags["weights"] if usual_row == names.ANY else None
        model, history = weights.load(asked or usual, run, "gray")
        row = weights.row_of(usual_row, usual, history)
        loaded[usual_row], histories[row] = (row, model), history
    return loaded, histories


def _shown(run, case: _Case, row: str, found) -> list[float | str | None]:
    """Returns the fields of a row of the table."""
    means = {record.model: record.mean for record in found}
    whole, stopped = names.column(row, run.num_steps), names.auto(row)
    fields = [*map(means.get, (names.OBSERVATION, whole, stopped))]
    if not case.has_auto:
        return [*fields, None, None]
    difference, steps = means[stopped] - means[whole], means[names.auto_steps(row)]
    return [*fields, f"{difference:+.3f}", f"{steps:.1f}"]


def _notes(run, test, histories) -> list[str]:
    """Says what a reader must know to compare the numbers."""
    from paper_experiments.common import provenance

    return [
        *(f"* **{note}**" for note in test.notes),
        f'* "auto" makes 8 to {_MOST_AUTO_STEPS} steps: {_MOST_AUTO_STEPS} where an '
        "estimate does not settle. It is not measured at little noise.",
        "* Mean over images of the PSNR of estimates clipped to [0, 1], not rounded; "
        "of observations, which are shown where they are images, not clipped.",
        f"* Seed {run.seed}, {run.dtype}. Noise of denoising as in Table 2, of forward "
        "models as in unseen_operators.py.",
        *(f"* {row}: {provenance.training_note(h)}" for row, h in histories.items()),
    ]


def _with_noise(run, test) -> list[_Case]:
    """Returns the 68 images with noise; all that there are of another data set."""
    import numpy as np

    from paper_experiments.common.observations import Observations
    from paper_experiments.unseen.problems import Problem
    from rim_tf.forward_models import Denoising

    images = test.only("68") if "68" in test.sets else test

    def case(sigma: float, rows: Sequence[str], has_auto: bool) -> _Case:
        noisy = Observations(images, sigma, "gray", False, run.seed)

        def observe(image_id: str) -> Problem:
            y = noisy.noisy(image_id)[np.newaxis]
            return Problem(Denoising(), y, noisy.unit_sigma, noisy.clean(image_id))

        return _Case(rows, has_auto, {"sigma": sigma}, images, observe)

    return [
        *(case(sigma, [names.DENOISER], True) for sigma in _TABLE2_SIGMAS),
        *(case(sigma, [*_WEIGHTS], False) for sigma in _LITTLE_SIGMAS),
    ]


def _of_forward_models(run, test) -> list[_Case]:
    """Returns what the forward models make of five images."""
    import dataclasses

    from paper_experiments.unseen import problems

    ids = [i for i in names.TEST_IDS if i in test.images] or list(test.images)
    name = names.TEST_SET if test.dataset == "bsds300" else test.dataset
    images = {image_id: test.images[image_id] for image_id in ids}
    few = dataclasses.replace(test, images=images, sets={name: ids})

    def case(operator: problems.Operator) -> _Case:
        def observe(image_id: str) -> problems.Problem:
            clean = problems.to_gray(few.images[image_id])
            return problems.observe(operator, clean, run.seed, few.numbers[image_id])

        condition = {"forward_model": operator.title, "sigma": operator.sigma}
        return _Case([names.ANY], True, condition, few, observe)

    return [*map(case, problems.OPERATORS)]


def _announce(run, model, cases) -> None:
    """Says how long it takes."""
    from paper_experiments.common import durations

    first = cases[0].observe(next(iter(cases[0].test.images)))
    seconds = durations.seconds_per_pixel_step(model, first.observation)
    steps = sum(
        image.shape[0]
        * image.shape[1]
        * len(case.rows)
        * (run.num_steps + _MOST_AUTO_STEPS * case.has_auto)
        for case in cases
        for image in case.test.images.values()
    )
    rows = sum(len(case.rows) for case in cases)
    print(
        f"{count(rows, 'row')} take about {describe_seconds(seconds * steps)} at most. "
        f"{run.how_to_go_on}\n"
    )


def _measure(run, case: _Case, row: str, model, kept) -> list[table.Score]:
    """Returns what one RIM makes of the observations of a case."""
    from tqdm import tqdm

    from paper_experiments.common import kept_values, provenance

    fingerprint = provenance.fingerprint({"": model}, kept_values.WHERE)
    values: dict[str, dict[str, float]] = {}
    for image_id in tqdm(case.test.images, f"{row}, {case.title}", leave=False):
        problem = case.observe(image_id)
        key = kept_values.key(
            *(fingerprint, run.num_steps, case.has_auto, case.condition),
            *(problem.clean, problem.observation),
        )
        if key not in kept:
            kept[key] = _restore(case, problem, model, run.num_steps)
        for name, value in zip(_columns(run, case, row), kept[key], strict=True):
            values.setdefault(name, {})[image_id] = value
    return [
        score
        for name, of_images in values.items()
        for score in table.measured_on(
            *(case.test.sets, of_images, name, case.condition),
            metric="steps" if name == names.auto_steps(row) else "psnr",
        )
    ]


def _columns(run, case: _Case, row: str) -> list[str]:
    """Returns what the values of `_restore` are called."""
    observed = [names.OBSERVATION] if case.is_denoising else []
    auto = [names.auto(row), names.auto_steps(row)] if case.has_auto else []
    return [*observed, names.column(row, run.num_steps), *auto]


def _restore(case: _Case, problem: "Problem", model, num_steps: int) -> list[float]:
    """Returns PSNR of observation and estimates, and how many steps "auto" made."""
    from paper_experiments.common.observations import psnr_of
    from rim_tf.restoration import restore

    observed = problem.observation, problem.model, problem.sigma
    values = []
    if case.is_denoising:
        values.append(psnr_of(problem.observation[0], problem.clean, clip=False))
    whole = restore(model, *observed, num_steps=num_steps)
    values.append(psnr_of(whole[0], problem.clean))
    if case.has_auto:
        stopped, details = restore(model, *observed, num_steps="auto", details=True)
        values += [psnr_of(stopped[0], problem.clean), float(details.num_steps)]
    return values


if __name__ == "__main__":
    reproduce(measure)
