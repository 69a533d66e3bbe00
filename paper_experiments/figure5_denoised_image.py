"""Figure 5 of Putzky and Welling (2017): one image, denoised.

    python paper_experiments/figure5_denoised_image.py

adds noise of sigma 50 to image 160068 of BSDS-300, rounds it to 8 bits, restores it
with RIM-denoise, and draws it, whole and a detail, beside the noisy image and BM3D:
`figure5.png`. Where the paper shows EPLL stands BM3D, with `pip install
'.[baselines]'`, else total variation; EPLL's number is quoted. It takes under a minute.

Expected: noisy 14.86, BM3D 25.63, RIM-denoise 25.96 dB. Reported in the submission to
ICLR 2017: noisy 14.88, EPLL 25.68, RIM 25.91 dB; that it shows this image is very
likely, not certain. Without BSDS-300 another image is drawn, which proves nothing.
"""

from paper_experiments.common import table
from paper_experiments.common.run import Outcome, reproduce

_IMAGE = "160068"
_SIGMA = 50
_MODEL = "RIM-denoise"
# A method, where BM3D is not installed, and its row.
_INSTEAD, _INSTEAD_ROW = "converged_total_variation", "converged total variation"


def measure(run, test):
    from paper_experiments.common import figures, weights
    from paper_experiments.common.observations import Observations, psnr_of
    from rim_tf import Denoising
    from rim_tf.restoration import restore

    name = run.flags["weights"] or "rim_denoise"
    model, history = weights.load(name, run, "gray")
    image_id, other_image = _choose(test)
    observations = Observations(test, _SIGMA, "gray", quantized=True, seed=run.seed)
    clean, noisy = observations.clean(image_id), observations.noisy(image_id)
    rival = _rival()
    rival_estimate = rival.estimate(
        noisy, observations.unit_sigma, Denoising(), noisy.shape
    )
    restored = restore(
        model, noisy[None], sigma=observations.unit_sigma, num_steps=run.num_steps
    )
    estimates = {rival.row: rival_estimate, _MODEL: restored[0]}
    psnr = {"noisy": observations.psnr_of_noisy(image_id)}
    psnr |= {row: psnr_of(image, clean) for row, image in estimates.items()}
    reported = table.read_reported(run.script)
    rows = table.Table(["PSNR in dB", "reported", "MEASURED"], 20)
    for row in dict.fromkeys([*reported["rows"], *psnr]):
        rows.add(row, [reported["rows"].get(row), psnr.get(row)])
    details = {
        "noisy": rf", $\sigma$ = {_SIGMA}, 8 bits",
        _MODEL: f", t = {run.num_steps}",
    }
    images = {f"clean: {image_id}": clean}
    for row, image in {"noisy": noisy, **estimates}.items():
        images[f"{row}{details.get(row, '')}: {psnr[row]:.2f} dB"] = image
    notes = [*other_image, *_notes(run, test, image_id, rival.row, reported, history)]
    caption = _caption(image_id, rival.row, reported["rows"])
    figures.save_comparison(images, caption, run.output_dir / "figure5.png")
    measured = [
        record
        for row, value in psnr.items()
        for record in table.measured_on(
            {test.dataset: [image_id]}, {image_id: value}, row, observations.condition
        )
    ]
    return Outcome(rows, notes, measured, reported, {_MODEL: history}, ["figure5.png"])


def _rival():
    """Returns BM3D, or what needs no package of its own."""
    from paper_experiments.common import method_files

    try:
        return method_files.load(method_files.find("bm3d"))
    except method_files.MethodError:
        return method_files.load(method_files.find(_INSTEAD))


def _choose(test) -> tuple[str, list[str]]:
    """Returns the image's id, and a loud note if it is not the paper's."""
    if _IMAGE in test.images:
        return _IMAGE, []
    image_id = next(iter(test.images))
    text = f"THIS IS ANOTHER IMAGE, {image_id}, not {_IMAGE} of BSDS-300."
    print(f"*** {text}\n")
    return image_id, [f"* **{text}**"]


def _caption(image_id: str, rival: str, reported) -> str:
    numbers = ", ".join(f"{row} {value:.2f}" for row, value in reported.items())
    if image_id == _IMAGE:
        which = f"of, very likely, image {_IMAGE}"
    else:
        which = f"OF ANOTHER IMAGE, very likely {_IMAGE} of BSDS-300"
    return (
        f"Reported in the ICLR 2017 submission {which}:\n{numbers} dB. "
        f"{rival} stands where the paper shows EPLL."
    )


def _notes(run, test, image_id, rival, reported, history) -> list[str]:
    from paper_experiments.common import provenance

    missing = (
        "* **BM3D is not installed**: total variation, which is worse, stands in its "
        "place; pip install '.[baselines]' installs it."
    )
    return [
        *(f"* **{note}**" for note in test.notes),
        *([missing] if rival == _INSTEAD_ROW else []),
        f"* Image {image_id} of {test.dataset}, sigma = {_SIGMA}, clipped to [0, 255] "
        "and rounded to 8 bits. Estimates are clipped to [0, 1], not rounded.",
        f"* Reported: {reported['source']}; {reported['provenance']}.",
        f"* {_MODEL}: T = {run.num_steps}, seed {run.seed}, {run.dtype}. "
        f"{provenance.training_note(history)}",
    ]


if __name__ == "__main__":
    reproduce(measure)
