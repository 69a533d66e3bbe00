"""Draws the pictures of README.md anew.

    python paper_experiments/readme_pictures.py --output_dir=paper_experiments

draws Figure 3 from the numbers that are shipped (`figure3.png`), and with the shipped
weights, on photographs that scikit-image installs, estimates over t of noisy images
(`estimates_embedded.jpg`) and Figure 4 (`figure4_embedded.jpg`). It takes a minute
on two CPU cores. `figure3`, `estimates` or `figure4` beside the flags draws that only.
"""

from paper_experiments.common.errors import UserError
from paper_experiments.common.run import start_script
from paper_experiments.common.table import NUMBERS_FOLDER

# Photograph, noise, top left corner of a detail. The second has texture.
_NOISY = (("chelsea", 15, 40, 120), ("grass", 25, 100, 100), ("astronaut", 50, 10, 140))
_SIZE = 192
_NUM_STEPS = 50
# The README shows no more.
_WIDTH = 1000


def draw_figure3(run):
    from PIL import Image

    from paper_experiments.figure3 import pictures

    file = NUMBERS_FOLDER / "measured" / "figure3_curves_paper.csv"
    path = run.output_dir / "figure3.png"
    pictures.save_curves(pictures.read_curves(file), path)
    # Lines and shades only: a palette takes a third of the bytes.
    with Image.open(path) as drawn:
        small = drawn.convert("RGB").quantize(24, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    return path


def draw_estimates(run):
    from paper_experiments.common import denoising, figures, image_sets
    from paper_experiments.common.kept_values import KeptValues
    from paper_experiments.common.observations import Observations
    from rim_tf import pretrained
    from rim_tf.rim import PAPER_NUM_STEPS

    model = pretrained.load_pretrained("rim_denoise", run.dtype)
    rows = []
    for name, sigma, top, left in _NOISY:
        image = image_sets.read_embedded(name)[top:, left:][:_SIZE, :_SIZE]
        test = image_sets.TestImages("embedded", {name: image}, {name: 0}, {})
        observations = Observations(test, sigma, "gray", False, run.seed)
        asked = model, observations, PAPER_NUM_STEPS, name
        _, row = denoising.restore_all(*asked, KeptValues())
        rows.append(row._replace(title=f"RIM-denoise\n{row.title}"))
    path = run.output_dir / "estimates_embedded.jpg"
    figures.save_estimates(rows, path)
    return path


def draw_figure4(run):
    from PIL import Image

    from paper_experiments.common import image_sets
    from paper_experiments.figure3 import pictures
    from rim_tf import images, pretrained

    models = {
        name: pretrained.load_pretrained(f"{name.lower()}_3task", run.dtype)
        for name in ("RIM", "GDN", "FFN")
    }
    # Beyond the paper.
    models["RIM-any"] = pretrained.load_pretrained("rim_any", run.dtype)
    image = images.to_gray(image_sets.read_embedded("chelsea"))
    path = run.output_dir / "figure4_embedded.jpg"
    pictures.save_figure4(models, image, run.seed, _NUM_STEPS, path)
    with Image.open(path) as drawn:
        drawn.thumbnail((_WIDTH, _WIDTH), Image.Resampling.LANCZOS)
        drawn.save(path, quality=65, optimize=True)
    return path


_PICTURES = {
    "figure3": draw_figure3,
    "estimates": draw_estimates,
    "figure4": draw_figure4,
}


def main(run, names):
    for name in names or _PICTURES:
        print(f"Wrote {_PICTURES[name](run)}.", flush=True)


def check(_, names):
    unknown = set(names) - set(_PICTURES)
    if unknown:
        raise UserError(
            f"There is no picture {', '.join(sorted(unknown))}; there are: "
            f"{', '.join(_PICTURES)}."
        )


if __name__ == "__main__":
    start_script(main, check, takes_names=True)
