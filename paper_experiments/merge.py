"""Joins the parts of a table that several machines measured.

    python paper_experiments/table2_denoise.py --shard=1/2 --output_dir=parts/1
    python paper_experiments/table2_denoise.py --shard=2/2 --output_dir=parts/2
    python paper_experiments/merge.py parts/1 parts/2 --output_dir=whole

Each part needs only its own folder, so that they can be an array job of a cluster. This
joins the values of their images, and runs the command of the parts once more, without
--shard: it restores the first image, for the pictures, and writes table and
`result.json` as if all had been measured in one go. Parts must be of one command; those
of machines of several kinds are joined, too, which is said.
"""

import itertools
import json
import subprocess
import sys
from pathlib import Path

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import (
    RESULT_FILE,
    VALUES_FOLDER,
    parse_part,
    start_script,
)

# They have --shard.
_SCRIPTS = (
    *("table1_rgb_denoise", "table2_denoise", "table2_quantized_denoise"),
    "table3_super_resolution",
)
# Of names in a message.
_MOST_SHOWN = 10
# What parts may differ in, or is not a flag.
_OWN = ("shard", "output_dir", "data_dir", "overwrite", "precision", "precision_used")


def main(run, names):
    # What follows imports Keras.
    quiet.import_backend()
    from paper_experiments.common import kept_values, provenance

    results = _read(names)
    _check_same(names, results, kept_values.WHERE)
    here = provenance.versions()
    for name, version in results[0]["versions"].items():
        if name not in (*kept_values.WHERE, "commit") and here.get(name) != version:
            raise UserError(
                f"The parts were measured with {name} {version}, here is "
                f"{here.get(name)}: join them where that is the same."
            )
    folders = [Path(name).expanduser() / VALUES_FOLDER for name in names]
    number = kept_values.join(folders, run.values_folder)
    print(f"{number} values of {len(names)} parts are joined.\n", flush=True)
    settings = results[0]["settings"]
    command = [
        *(sys.executable, str(Path(__file__).with_name(f"{results[0]['script']}.py"))),
        *_to_flags({n: v for n, v in settings.items() if n not in _OWN}),
        f"--precision={settings['precision_used']}",
        f"--output_dir={run.output_dir}",
        *([f"--data_dir={run.flags['data_dir']}"] if run.flags["data_dir"] else []),
    ]
    code = subprocess.run(command, check=False).returncode
    if code == 0 and _images(_read([run.output_dir])) != _images(results):
        raise UserError(
            f"{run.output_dir} is of other images than the parts: run this where the "
            "paths of their commands mean the same."
        )
    sys.exit(code)


def check(values, names):
    if len(names) < 2:
        raise UserError("Give the --output_dir of each part.")
    results = _read(names)
    shards = [result["settings"].get("shard") for result in results]
    if None in shards:
        raise UserError(f"{names[shards.index(None)]} was not measured with --shard.")
    of = {_number_of_parts(*pair) for pair in zip(names, shards, strict=True)}
    numbers = (f"{k}/{n}" for n in sorted(of) for k in range(1, n + 1))
    # A number that is damaged may be any.
    missing = [*itertools.islice((n for n in numbers if n not in shards), _MOST_SHOWN)]
    if missing:
        raise UserError(f"The parts {', '.join(missing)} are missing.")
    for name in names:
        if not (Path(name).expanduser() / VALUES_FOLDER).is_dir():
            raise UserError(f"{name} has lost its folder {VALUES_FOLDER}.")
    output = values["output_dir"]
    if output is None or (Path(output).expanduser() / RESULT_FILE).exists():
        raise UserError("--output_dir: give a folder that has no results yet.")


def _number_of_parts(name, shard):
    try:
        return parse_part("shard", str(shard))[1]
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def _read(names):
    """Returns the results of the parts."""
    paths = [Path(name).expanduser() / RESULT_FILE for name in names]
    for path in paths:
        if not path.is_file():
            raise UserError(f"There is no {path}: the part is not measured yet.")
    results = []
    for path in paths:
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            is_table = _is_result(result)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            is_table = False
        if not is_table:
            raise UserError(f"{path} is no result of a table.")
        results.append(result)
    return results


def _is_result(result):
    """Returns whether a JSON value is a table's; raises whatever if it is none."""
    settings, used = result["settings"], result["settings"]["precision_used"]
    measured = [dict(score["per_image"]) for score in result["measured"]]
    # It names the script that is run.
    return result["script"] in _SCRIPTS and all(
        (settings.keys(), isinstance(used, str), measured, dict(result["versions"]))
    )


def _images(results):
    """Returns the ids of all images that were measured."""
    scores = [score for result in results for score in result["measured"]]
    return {image_id for score in scores for image_id in score["per_image"]}


def _check_same(names, results, where):
    """Raises a `UserError` if parts are of several commands or versions."""
    first = _command(results[0], where)
    for name, result in zip(names, results, strict=True):
        found = _command(result, where)
        for what in found | first:
            if found.get(what) != first.get(what):
                raise UserError(f"{names[0]} and {name} differ in {what}.")


def _command(result, where):
    """Returns what must be the same for all parts, as text by name."""
    settings = {n: v for n, v in result["settings"].items() if n not in _OWN}
    used = result["settings"]["precision_used"]
    whole = {"script": result["script"], **settings, "precision": used}
    # With other versions all values would be measured once more.
    whole |= {n: v for n, v in result["versions"].items() if n not in where}
    return {name: json.dumps(value) for name, value in whole.items()}


def _to_flags(settings):
    """Returns the command line of flags."""
    for name, value in settings.items():
        if isinstance(value, list):
            value = ",".join(value)
        if value not in (None, False, ""):
            yield f"--{name}={str(value).lower() if value is True else value}"


if __name__ == "__main__":
    start_script(main, check, use=["data_dir"], takes_names=True, needs_keras=False)
