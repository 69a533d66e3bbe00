"""Bad results, values and archives of strangers."""

import io
import json
import shutil
import tarfile
from pathlib import Path

from hypothesis import strategies as st

from tests.stress import damage, jobs
from tests.stress.bad_input import shared
from tests.stress.outcomes import OUTPUT, Case


def results(draw, folder, intact):
    """Results of strangers, and training logs."""
    tool = draw(st.sampled_from(["compare", "compare a training", "merge", "diagnose"]))
    output = f"--output_dir={folder / OUTPUT}"
    if tool == "diagnose":
        return _values(draw, folder, output)
    if tool == "compare a training":
        return _compared_training(draw, folder, intact, output)
    sources = [intact.result] * 2 if tool == "compare" else intact.parts
    paths = [folder / "a", folder / "b"]
    for source, path in zip(sources, paths, strict=True):
        shutil.copytree(source, path)
    file = paths[0] / "result.json"
    if tool == "merge" and draw(st.booleans()):
        file = paths[0] / "measured" / "values.json"
    whole = file.read_bytes()
    if draw(st.integers(0, 3)):
        file.write_text(json.dumps(draw(damage.changed_json(json.loads(whole)))))
    else:
        file.write_bytes(draw(damage.damaged(whole))[1])
    if tool == "merge" and draw(st.integers(0, 3)) == 0:
        result = json.loads((intact.parts[0] / "result.json").read_text())
        result["settings"]["shard"] = draw(
            st.sampled_from(["1/999999999999", "x/2", "1/x", 3, "/", "0/2", [1], "2/1"])
        )
        (paths[0] / "result.json").write_text(json.dumps(result))
    line = [jobs.SCRIPTS / f"{tool}.py", *paths, output]
    named = [*map(str, paths), "are missing", "joined", "The parts", "differ in"]
    return Case([*map(str, line)], named, "end")


def _values(draw, folder, output):
    ids = ["3096", "8023", "12084", "14037", "16077"]
    lines = [f"{i},{28 + n}" for n, i in enumerate(ids)]
    content = "\n".join(lines).encode()
    kind = draw(st.sampled_from(["damaged", "odd", "text", "folder", "long"]))
    path = folder / "mine.csv"
    if kind == "damaged":
        content = draw(damage.damaged(content))[1]
    elif kind == "odd":
        odd = st.sampled_from(damage.ODD_NUMBERS)
        content = "\n".join(f"{i},{draw(odd)}" for i in ids).encode()
    elif kind == "text":
        content = draw(st.binary(max_size=80))
    elif kind == "long":
        content = b'"' + b"x" * 200_000
    if kind == "folder":
        path.mkdir()
        for i in ids:
            shared.write(
                path, f"{i}.png", draw(damage.damaged(shared.image_bytes("png")))[1]
            )
    else:
        path.write_bytes(content)
    condition = draw(st.sampled_from(["sigma25", "x2", "x3", "x4"]))
    flags = [f"--result={path}", f"--condition={condition}", "--compared_with=baseline"]
    flags += ["--dataset=embedded"] if kind == "folder" else []
    line = [jobs.SCRIPTS / "diagnose.py", *flags, output]
    return Case([*map(str, line)], ["--result", "--compared_with", "--dataset"], "end")


def _compared_training(draw, folder, intact, output):
    paths = [folder / "a", folder / "b"]
    for path in paths:
        shutil.copytree(intact.training[0], path)
    model = paths[0] / "rim_denoise_paper"
    file = model / draw(st.sampled_from(["rim_denoise_paper.json", "stage_1/log.csv"]))
    whole = file.read_bytes()
    if file.suffix == ".json" and draw(st.booleans()):
        file.write_text(json.dumps(draw(damage.changed_json(json.loads(whole)))))
    else:
        file.write_bytes(draw(damage.damaged(whole))[1])
    line = [jobs.SCRIPTS / "compare.py", *paths, output]
    return Case([*map(str, line)], [*map(str, paths)], "end")


def archives(draw, folder, intact):
    """Archives of BSDS-300 with path tricks, links and damage."""
    path, plain = folder / "images.tgz", folder / "plain.tgz"
    file = io.BytesIO()
    content = shared.image_bytes("jpg")
    good = ["train/1.jpg", "train/2.jpg", "test/3.jpg"]
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in good:
            _add(tar, name, content)
    plain.write_bytes(file.getvalue())
    kind = draw(
        st.sampled_from(["damaged", "path", "link", "device", "lost", "image", "big"])
    )
    must = "end"
    if kind == "damaged":
        path.write_bytes(draw(damage.damaged(file.getvalue()))[1])
    else:
        with tarfile.open(path, "w:gz") as tar:
            for name in good[:-1] if kind in ("lost", "link", "image", "big") else good:
                _add(tar, name, content)
            if kind == "path":
                places = [
                    "../../escaped",
                    "/tmp/escaped",
                    "a/../../1.jpg",
                    "./1.jpg",
                    "..",
                ]
                _add(tar, draw(st.sampled_from(places)), content)
            elif kind == "image":
                # What differs is read, if it can be, and named.
                _add(tar, good[-1], draw(damage.damaged(content))[1])
            elif kind in ("link", "device", "big"):
                member = tarfile.TarInfo(good[-1])
                member.type, must = tarfile.SYMTYPE, "fail"
                member.linkname = draw(
                    st.sampled_from(["/etc/hostname", "../1.jpg", "x"])
                )
                if kind == "device":
                    member.type = tarfile.FIFOTYPE
                    must = "end"
                elif draw(st.booleans()):
                    member.type = tarfile.LNKTYPE
                if kind == "big":
                    member.type, member.size = tarfile.REGTYPE, 1 << 40
                tar.addfile(member)
    script = Path(__file__).parents[1] / "prepare_few.py"
    line = [script, plain, folder / OUTPUT, path.as_uri()]
    named = ["could not be downloaded", str(folder / OUTPUT)]
    return Case([*map(str, line)], named, must, _check_prepared)


def _add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _check_prepared(output):
    assert [*(output / "bsds300" / "1.0.0").glob("*.tfrecord*")]
