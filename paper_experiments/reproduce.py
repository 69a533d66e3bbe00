"""One page about all claims of Putzky and Welling (2017), and the documents' tables.

    python paper_experiments/reproduce.py
    python paper_experiments/reproduce.py --quick
    python paper_experiments/reproduce.py --documents

The first reads in `numbers/` what was measured before of each claim, and writes
`report.md` and `report.html`: how many claims are reproduced; each with what is
reported, what was measured, by which weights and commit. It takes seconds.

--quick restores the first image of each test set besides, by the tables' own scripts,
and compares PSNR with what was measured of that image before: within 0.01 dB in
float32, 0.03 dB in bfloat16. It takes minutes on two cores. Without BSDS-300 it is a
photograph that scikit-image installs. Where a value differs the page is red and the
exit status is 1.

--documents makes the tables of README.md and RESULTS.md anew from `numbers/`, and
writes no page.
"""

import json
import subprocess
import sys
from pathlib import Path

from absl import flags

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import RESULT_FILE, start_script

_QUICK = flags.DEFINE_bool(
    "quick", False, "Restore an image of each test set, and compare it with before."
)
_DOCUMENTS = flags.DEFINE_bool(
    "documents", False, "Make the tables of README.md and RESULTS.md anew, and no page."
)

_PAGES = ("report.md", "report.html")
# The tables, and the seed of what was measured before.
_SEEDS = {
    "table1_rgb_denoise": 0,
    "table2_denoise": 0,
    "table2_quantized_denoise": 0,
    "table3_super_resolution": 2,
}
_NOT_CHECKED = (
    "Figures 1 and 2: drawings. Figures 4 and 5: drawn, see RESULTS.md. Figure 6: it "
    "has no counterpart.",
    "By the paper's recipe: what has no row of it above was not trained, or not "
    "measured, yet.",
    "Forward models that no model saw: unseen_operators.py measures them, see "
    "RESULTS.md.",
)


def main(run, _) -> None:
    # What follows imports Keras.
    quiet.import_backend()
    if _DOCUMENTS.value:
        _make_tables()
        return
    from paper_experiments.common import claims, provenance, report
    from rim_tf import files

    found = claims.read()
    again, failures = _measure_again(run, claims) if _QUICK.value else ([], [])
    page = report.Report(found, again, failures, _NOT_CHECKED, provenance.commit())
    texts = report.to_markdown(page), report.to_html(page)
    for name, text in zip(_PAGES, texts, strict=True):
        files.write_text(run.output_dir / name, text)
    print(texts[0])
    print(f"Wrote {' and '.join(_PAGES)} to {run.output_dir}.")
    if page.is_red:
        sys.exit(1)


def check(values, _) -> None:
    if _QUICK.value and _DOCUMENTS.value:
        raise UserError("--documents makes tables only: leave --quick out.")


def _make_tables() -> None:
    from paper_experiments.common import document_tables
    from rim_tf import files

    for path in document_tables.DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        made = document_tables.update(text)
        if made != text:
            files.write_text(path, made)
        print(f"{path.name}: {'made anew' if made != text else 'as it was'}.")


def _measure_again(run, claims):
    """Returns comparisons of values, and lines about scripts that failed."""
    again, failures = [], []
    for script, seed in _SEEDS.items():
        print(f"{script}.py restores an image ...", flush=True)
        folder = run.output_dir / script
        failure = _run(script, folder, run, seed)
        if failure:
            failures.append(f"{script}.py: {failure}")
            continue
        compared = claims.measured_again(json.loads((folder / RESULT_FILE).read_text()))
        again += compared
        if not compared:
            failures.append(f"{script}.py: its image was not measured before")
    return again, failures


def _run(script, folder, run, seed) -> str | None:
    """Runs a script on the first image of each test set; returns what went wrong."""
    given = [f"--{n}={run.flags[n]}" for n in ("dataset", "data_dir") if run.flags[n]]
    command = [
        *(sys.executable, str(Path(__file__).with_name(f"{script}.py"))),
        *("--num_images=1", f"--seed={seed}", "--overwrite"),
        *(f"--output_dir={folder}", *given),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        return (finished.stderr.strip().splitlines() or ["it failed"])[-1]
    return None


if __name__ == "__main__":
    start_script(main, check, use=["dataset", "data_dir"], needs_keras=False)
