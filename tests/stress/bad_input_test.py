"""Tests that bad input ends with one line, in seconds, and harms nothing.

RIM_TF_STRESS_INPUTS is how many inputs are drawn over all groups; Hypothesis draws the
same ones each time.
"""

import collections
import functools
import io
import json
import os
import shutil
import tarfile
import time
import zipfile
from pathlib import Path

import h5py
import hypothesis
import numpy as np
import pytest
import tifffile
from hypothesis import strategies as st
from PIL import Image

from tests.stress import calls, damage, jobs, outcomes, processes
from tests.stress.outcomes import OUTPUT, Case

_NUM_INPUTS = int(os.environ.get("RIM_TF_STRESS_INPUTS", "1000"))
_QUICKLY = ["--num_steps=1", "--precision=float32"]
_SIDE = 12
_FORMATS = {
    **{"png": {}, "jpg": {"quality": 90}, "bmp": {}, "gif": {}, "ppm": {}},
    **{"tif": {}, "webp": {"lossless": True}, "jp2": {}},
}
_SMALL = {"features": 4, "state_features": 6}


class Shared:
    """What all cases begin from.

    Attributes:
      weights: A small network of random weights.
      whole: The same as a `.keras` file.
      training: A folder of a training that is done, and one that was interrupted.
      images: A folder of two photographs.
      result: What a table wrote.
      parts: The folders of a table in two parts.
    """

    def __init__(self, folder):
        self._folder = folder

    @functools.cached_property
    def _rim(self):
        import keras

        import rim_tf
        from rim_tf import cells

        keras.utils.set_random_seed(0)
        rim = rim_tf.RIM(cells.RIMCell(**_SMALL), num_steps=2)
        rim.build()
        return rim

    @functools.cached_property
    def weights(self):
        from rim_tf import pretrained

        path = self._folder / "small.weights.h5"
        history = {
            **{"data": "nothing", "color": "gray", "patches_seen": 1, "seconds": 0.0},
            "settings": {"steps_schedule": [[20, 1.0]]},
        }
        pretrained.save_pretrained(self._rim, path, history)
        return path

    @functools.cached_property
    def whole(self):
        path = self._folder / "whole.keras"
        self._rim.save(path)
        return path

    @functools.cached_property
    def images(self):
        folder = self._folder / "images"
        folder.mkdir()
        for i in range(2):
            _photograph("RGB", i).save(folder / f"{i}.png")
        return folder

    @functools.cached_property
    def result(self):
        return self._measured("result")

    @functools.cached_property
    def parts(self):
        return [self._measured(f"part_{k}", f"--shard={k}/2") for k in (1, 2)]

    @functools.cached_property
    def training(self):
        return _trainings(self._folder / "trainings")

    def _measured(self, name, *flags):
        folder = self._folder / name
        line = [jobs.SCRIPTS / "table2_denoise.py", f"--weights={self.weights}"]
        images = f"--images={self.images}"
        _succeed(*line, images, f"--output_dir={folder}", *_QUICKLY, *flags)
        return folder


def _trainings(folder):
    """Makes a training that is done, and one that is not; returns their folders."""
    done, begun = folder / "done", folder / "begun"
    folder.mkdir()
    stage = Path("rim_denoise_paper", "stage_1")
    command = _training(done, num_validations=3)
    process = processes.confined(folder, 100, *map(str, command))
    while process.poll() is None:
        names = ("log.csv", "runs.json", "last.weights.h5")
        parts = [done / stage / name for name in names]
        if not begun.exists() and all(part.exists() for part in parts):
            shutil.copytree(done, begun)
        time.sleep(0.01)
    _, complaints = process.communicate()
    assert process.returncode == 0, complaints
    return [done, begun]


def _training(output, **flags):
    said = [f"--{name}={value}" for name, value in flags.items()]
    script = [jobs.SCRIPTS / "train.py", "rim_denoise_paper", *jobs.TRAINING]
    small = ["--features=4", "--state_features=6", "--num_patches=24"]
    return [*script, *small, *said, f"--output_dir={output}"]


def _succeed(*command):
    process = processes.confined(Path.cwd(), 100, *map(str, command))
    _, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints


@pytest.fixture(name="shared", scope="session")
def _shared(tmp_path_factory):
    return Shared(tmp_path_factory.mktemp("shared"))


def _photograph(mode, seed=0):
    values = np.random.default_rng(seed).integers(40, 215, (_SIDE, _SIDE, 3))
    return Image.fromarray(np.uint8(values)).convert(mode)


def _write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def _image_bytes(suffix, mode="RGB"):
    file = io.BytesIO()
    image = _photograph("L" if suffix == "gif" else mode)
    kinds = {"jpg": "jpeg", "tif": "tiff", "jp2": "jpeg2000"}
    image.save(file, kinds.get(suffix, suffix), **_FORMATS[suffix])
    return file.getvalue()


# Groups: each draws a case, and writes its input to the case's folder.


def _flags_of_rim_restore(draw, folder, shared):
    command = draw(
        st.sampled_from(["denoise", "enlarge", "inpaint", "deblur", "demosaic"])
    )
    photo = _write(folder, "photo.png", _image_bytes("png", "L"))
    kernel = folder / "kernel.npy"
    np.save(kernel, np.ones((3, 3)))
    (folder / OUTPUT).mkdir()
    output = folder / OUTPUT / "new.png"
    number = st.sampled_from(damage.ODD_NUMBERS) | damage.texts
    path = st.sampled_from(damage.ODD_PATHS) | damage.texts
    odd = {
        **{"sigma": number, "range": st.tuples(number, number).map(",".join)},
        # More steps are no error.
        "num_steps": st.sampled_from(["0", "-1", "1.5", "", "two", "1_", "\u0663"]),
        **{"factor": number, "pattern": damage.texts, "noise": damage.texts},
        **{"mask": path, "kernel": path, "compare": path, "precision": damage.texts},
        "picture": path.map(lambda p: f"{OUTPUT}/p{p}"[:280]),
        "trajectory": path.map(lambda p: f"{OUTPUT}/t{p}"[:280]),
        **{"overwrite": damage.texts, "nonsense": damage.texts},
    }
    needed = {
        **{"inpaint": [f"--mask={photo}"], "deblur": [f"--kernel={kernel}"]},
        "demosaic": ["--pattern=RGGB"],
    }
    names = draw(st.lists(st.sampled_from([*odd]), min_size=1, max_size=3, unique=True))
    given = {name: draw(odd[name]) for name in names}
    flags = [f"--{name}={value}" for name, value in given.items()]
    usual = [] if "num_steps" in names else ["--num_steps=1"]
    usual += [] if "sigma" in names or command == "enlarge" else ["--sigma=25"]
    line = ["rim-restore", command, str(photo), str(output)]
    line += [*needed.get(command, []), *usual, *flags]
    known = [f"--{name}" for name in names] + ["--mask", "unrecognized arguments"]
    values = [value for value in given.values() if len(value) > 2]
    return Case(line, [*known, *values, str(folder)], "end", _check_pictures)


def _check_pictures(output):
    found = [p for p in output.rglob("*") if p.suffix in (".png", ".tif")]
    found = [path for path in found if path.is_file()]
    assert any(output.rglob("*")), "it wrote nothing"
    for path in found:
        values = tifffile.imread(path) if path.suffix == ".tif" else Image.open(path)
        values = np.asarray(values)
        assert values.size and np.isfinite(values).all(), path


def _paths_of_rim_restore(draw, folder, shared):
    """Odd names of the image and of what is to be written."""
    _write(folder, "photo.png", _image_bytes("png", "L"))
    (folder / OUTPUT).mkdir()
    odd = st.sampled_from(damage.ODD_PATHS) | damage.texts
    image = draw(st.just("photo.png") | odd)
    output = (
        f"{OUTPUT}/{draw(odd)}{draw(st.sampled_from(['', '.png', '.tif', '.exe']))}"
    )
    command = ["rim-restore", "denoise", "--sigma=25", *_QUICKLY, "--", image, output]
    named = [image, str(Path(output)), "There is no", "arguments are required"]
    return Case(command, named, "end", _check_pictures)


def _damaged_images(draw, folder, shared):
    suffix = draw(st.sampled_from([*_FORMATS]))
    _, content = draw(damage.damaged(_image_bytes(suffix)))
    name = f"photo.{draw(st.sampled_from([suffix, 'png']))}"
    path = _write(folder, name, content)
    (folder / OUTPUT).mkdir()
    command = draw(st.sampled_from(["denoise", "enlarge"]))
    flags = ["--sigma=25"] if command == "denoise" else []
    line = ["rim-restore", command, path, folder / OUTPUT / "new.tif", *flags]
    return Case(
        [*map(str, line), *_QUICKLY], [str(path), "--range"], "end", _check_pictures
    )


def _cut_images(draw, folder, shared):
    """A file that is cut short is read whole, or refused; never half."""
    suffix = draw(st.sampled_from([*_FORMATS]))
    whole = _image_bytes(suffix)
    path = _write(
        folder, f"photo.{suffix}", whole[: draw(st.integers(0, len(whole) - 1))]
    )
    with Image.open(io.BytesIO(whole)) as image:
        expected = np.asarray(image.convert("RGB"))

    def check(output):
        pixels = np.load(output / "pixels.npy")
        np.testing.assert_array_equal(pixels, expected)

    command = [calls.read_image, path, folder / OUTPUT]
    return Case(command, [str(path)], "end", check)


def _declared_sizes(draw, folder, shared):
    """A header that promises more than there is, or nothing at all."""
    sizes = st.sampled_from([0, 1, 3, 4096, 65535, 100_000, 2**31 - 1])
    width, height = draw(sizes), draw(sizes)
    hypothesis.assume((width, height) not in ((1, 1), (1, 3), (3, 1), (3, 3)))
    data = bytes(draw(st.integers(0, 200)))
    kind = draw(st.sampled_from(["png", "bmp", "ppm", "tif", "gif"]))
    if kind == "png":
        depth, color = draw(
            st.sampled_from([(8, 0), (8, 2), (16, 0), (16, 2), (16, 6)])
        )
        content = damage.png(width, height, depth, color, data)
    elif kind == "bmp":
        content = damage.bmp(width, height, data)
    elif kind == "ppm":
        content = f"P6 {width} {height} 255\n".encode() + data
    elif kind == "tif":
        bits, form = draw(st.sampled_from([(8, 1), (16, 1), (32, 3), (64, 3)]))
        strips = draw(
            st.tuples(
                st.sampled_from([0, 8, 130, 2**31 - 1]),
                st.sampled_from([0, 1, 64, 2**31 - 1, 2**32 - 1]),
                st.sampled_from([1, 8, 32773]),
            )
        )
        content = damage.tiff(width, height, bits, form, strips)
    else:
        size = [min(n, 65535).to_bytes(2, "little") for n in (width, height)]
        content = b"GIF89a" + size[0] + size[1] + b"\x80\0\0" + bytes(6)
        content += b"," + bytes(4) + size[0] + size[1] + b"\0\x02" + data + b";"
    path = _write(folder, f"photo.{kind}", content)
    (folder / OUTPUT).mkdir()
    line = ["rim-restore", "denoise", path, folder / OUTPUT / "new.tif", "--sigma=25"]
    return Case([*map(str, line), *_QUICKLY], [str(path)], "fail")


def _odd_tiffs(draw, folder, shared):
    """Values that are not finite, and numbers and shapes that are no image's."""
    dtypes = ["float32", "float64", "uint8", "uint16", "int16", "int32", "uint64"]
    dtype = draw(st.sampled_from([*dtypes, "float16", "complex64", "bool"]))
    shapes = [(_SIDE, _SIDE), (_SIDE, _SIDE, 3), (_SIDE, _SIDE, 4), (1, 1), (1, _SIDE)]
    shapes += [(3, _SIDE, _SIDE), (_SIDE, _SIDE, 2), (_SIDE, _SIDE, 7), (2, 3, 4, 5)]
    shape = draw(st.sampled_from(shapes))
    values = np.random.default_rng(0).uniform(0, 1, shape)
    is_float = dtype.startswith("float")
    values = (values if is_float else 200 * values).astype(dtype)
    odd = draw(st.sampled_from([None, np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-40]))
    if odd is not None and is_float:
        with np.errstate(over="ignore"):
            values.flat[draw(st.integers(0, values.size - 1))] = odd
    path = folder / "photo.tif"
    tifffile.imwrite(path, values)
    (folder / OUTPUT).mkdir()
    command, flags = draw(
        st.sampled_from(
            [
                ("denoise", ["--sigma=0.1"]),
                ("denoise", []),
                ("denoise", ["--noise=poisson"]),
                ("enlarge", []),
                ("demosaic", ["--pattern=BGGR", "--sigma=0.1"]),
            ]
        )
    )
    scale = draw(st.sampled_from([[], ["--range=0,1"], ["--range=-1e308,1e308"]]))
    scale += draw(st.sampled_from([[], [f"--picture={folder / OUTPUT / 'both.png'}"]]))
    line = ["rim-restore", command, path, folder / OUTPUT / "new.tif", *flags, *scale]
    is_finite = not is_float or np.isfinite(values).all()
    named = [str(path), "--range", "--sigma", str(folder / OUTPUT)]
    must = "end" if is_finite else "fail"
    return Case([*map(str, line), *_QUICKLY], named, must, _check_pictures)


def _masks_and_kernels(draw, folder, shared):
    photo = _write(folder, "photo.png", _image_bytes("png", "L"))
    which = draw(st.sampled_from(["inpaint", "deblur"]))
    sizes = st.sampled_from([0, 1, 2, 3, _SIDE, _SIDE + 1])
    shape = tuple(draw(st.lists(sizes, min_size=0, max_size=4)))
    dtypes = ["float32", "float64", "float16", "int8", "uint64", "bool", "complex64"]
    values = np.ones(shape, draw(st.sampled_from([*dtypes, "U3", "datetime64[s]"])))
    if values.size and values.dtype.kind == "f":
        odd = [np.nan, np.inf, -np.inf, -1, 0, 1e38, -8.0001, 1e-40]
        with np.errstate(over="ignore"):
            values.flat[0] = draw(st.sampled_from(odd))
    file = io.BytesIO()
    kind = draw(
        st.sampled_from(["npy", "objects", "npz", "header", "damaged", "image"])
    )
    name = "operator.npy"
    if kind == "npz":
        np.savez(file, values)
    elif kind == "objects":
        np.save(file, np.array([{}, values], dtype=object))
    elif kind == "image":
        name = f"operator.{draw(st.sampled_from([*_FORMATS]))}"
        file.write(draw(damage.damaged(_image_bytes(name.rpartition(".")[2])))[1])
    else:
        np.save(file, values)
    content = file.getvalue()
    if kind == "header":
        shapes = ["(100000, 100000)", "(3, -3)", "(2**40,)", "(0, 0)", "(", "(3, 3)"]
        size = draw(st.sampled_from(shapes))
        of = draw(st.sampled_from(["'<f8'", "'|O'", "'<f4'", "'nonsense'", "3", "("]))
        text = f"{{'descr': {of}, 'fortran_order': False, 'shape': {size}, }}"
        content = damage.npy(text, bytes(draw(st.integers(0, 72))))
    elif kind == "damaged":
        _, content = draw(damage.damaged(content))
    path = _write(folder, name, content)
    (folder / OUTPUT).mkdir()
    flag = {"inpaint": "--mask", "deblur": "--kernel"}[which]
    line = ["rim-restore", which, photo, folder / OUTPUT / "new.tif", f"{flag}={path}"]
    return Case(
        [*map(str, line), *_QUICKLY, "--sigma=25"],
        [flag, str(path)],
        "end",
        _check_pictures,
    )


def _folders_and_links(draw, folder, shared):
    """A folder of which some files are none."""
    images = folder / "images"
    images.mkdir()
    _write(images, "good.png", _image_bytes("png", "L"))
    outside = folder / "outside"
    outside.mkdir()
    _write(outside, "other.png", _image_bytes("png", "L"))
    makers = {
        "broken": lambda p: p.symlink_to("nowhere.png"),
        "loop": lambda p: p.symlink_to(p.name),
        "outside": lambda p: p.symlink_to(outside / "other.png"),
        "folder": lambda p: p.symlink_to(outside, target_is_directory=True),
        "up": lambda p: p.symlink_to("..", target_is_directory=True),
        "pipe": os.mkfifo,
        "device": lambda p: p.symlink_to("/dev/zero"),
        "null": lambda p: p.symlink_to("/dev/null"),
        "empty": lambda p: p.write_bytes(b""),
        "text": lambda p: p.write_text("text"),
        "real folder": lambda p: p.mkdir(),
    }
    kinds = draw(st.lists(st.sampled_from([*makers]), min_size=1, max_size=3))
    for i, kind in enumerate(kinds):
        name = draw(
            st.sampled_from(["a", "\u4e2d", "x\ny", " ", "..", "a.png", "-x", "%s"])
        )
        makers[kind](images / f"{i}{name}.{draw(st.sampled_from([*_FORMATS]))}")
    output = draw(st.sampled_from(["new", "linked", "looped"]))
    (folder / OUTPUT).mkdir()
    if output == "linked":
        (folder / OUTPUT / "linked").symlink_to(
            folder / OUTPUT, target_is_directory=True
        )
    if output == "looped":
        (folder / OUTPUT / "looped").symlink_to("looped")
    named = [str(images), str(folder / OUTPUT)]
    tool = draw(st.sampled_from(["rim-restore", "table", "train"]))
    if tool == "rim-restore":
        flags = ["--sigma=25", *_QUICKLY]
        line = [tool, "denoise", images, folder / OUTPUT / output, *flags]
    elif tool == "table":
        line = _table(shared, folder, f"--images={images}")
    else:
        line = _training(folder / OUTPUT, train_images=images, num_validations=1)
    return Case([*map(str, line)], [*named, "--patch_size"], "end")


def _table(shared, folder, *flags):
    weights = f"--weights={shared.weights}"
    output = f"--output_dir={folder / OUTPUT}"
    return [jobs.SCRIPTS / "table2_denoise.py", weights, output, *_QUICKLY, *flags]


_TABLES = [
    *("table1_rgb_denoise", "table2_denoise", "table2_quantized_denoise"),
    *("table3_super_resolution", "unseen_operators", "figure3_three_task", "protocol"),
]


def _flags_of_tables(draw, folder, shared):
    number = st.sampled_from(damage.ODD_NUMBERS) | damage.texts
    path = st.sampled_from(damage.ODD_PATHS) | damage.texts
    text = damage.texts
    odd = {
        **{"seed": number, "num_images": number, "shard": number | text},
        **{"rows": text, "weights": path, "method": path, "cell": path},
        **{"images": path, "data_dir": path, "test_set": text, "precision": text},
        **{"dataset": text, "nonsense": text, "num_steps": text},
        "shard": st.tuples(number, number).map("/".join) | text,
    }
    names = draw(st.lists(st.sampled_from([*odd]), min_size=1, max_size=3, unique=True))
    given = {name: draw(odd[name]) for name in names}
    script = draw(st.sampled_from(_TABLES))
    # Of a measurement that is none of the flag's fault.
    usual = {"images": shared.images, "num_steps": 1, "precision": "float32"}
    if script in ("unseen_operators", "figure3_three_task", "protocol"):
        # Those take long where nothing is wrong.
        given["nonsense"] = ""
        usual = {}
    said = [f"--{k}={v}" for k, v in {**usual, **given}.items()]
    extra = draw(st.sampled_from([[], [], ["beside"], ["--", "--x"]]))
    output = f"--output_dir={folder / OUTPUT}"
    line = [jobs.SCRIPTS / f"{script}.py", output, *said, *extra]
    known = [f"--{name}" for name in names] + names + ["Unknown", "nonsense"]
    return Case([*map(str, line)], known, "end")


def _flags_of_training(draw, folder, shared):
    number = st.sampled_from(damage.ODD_NUMBERS) | damage.texts
    path = st.sampled_from(damage.ODD_PATHS) | damage.texts
    few = st.sampled_from(
        ["0", "-1", "nan", "1", "2", "1.5", "x", "", "1e9", str(2**40)]
    )
    odd = {
        **{"seed": number, "batch_size": few, "patch_size": few, "patch_stride": few},
        **{"num_patches": few, "epochs": few, "learning_rate": number},
        **{"warmup_updates": few, "num_validations": few, "features": few},
        **{"num_validation_patches": few, "state_features": few, "devices": few},
        **{"checkpoint_minutes": number, "minutes": number, "optimizer": damage.texts},
        **{"loss": damage.texts, "gradient": damage.texts, "link": damage.texts},
        **{"cell": path, "initial_weights": path, "train_images": path},
        "steps_schedule": st.lists(st.tuples(few, number), max_size=3).map(
            lambda pairs: ",".join(":".join(pair) for pair in pairs)
        ),
    }
    names = draw(st.lists(st.sampled_from([*odd]), min_size=1, max_size=3, unique=True))
    given = {name: draw(odd[name]) for name in names}
    recipe = draw(st.sampled_from([[], [], [], ["missing"], ["x y"], [""]]))
    line = [*_training(folder / OUTPUT, **{"num_validations": 1, **given}), *recipe]
    known = [f"--{name}" for name in names] + names + ["no recipe is called"]
    # A training of so many patches may be meant.
    return Case([*map(str, line)], [*known, "batch", "loss", "patches"], "end")


def _damaged_trainings(draw, folder, shared):
    which = draw(st.integers(0, 2)) // 2
    output = folder / OUTPUT
    shutil.copytree(shared.training[which], output)
    stage = output / "rim_denoise_paper" / "stage_1"
    names = ["settings.json", "runs.json", "log.csv", "last.weights.h5"]
    path = stage / draw(st.sampled_from([*names, "best.weights.h5"]))
    how = draw(st.sampled_from(["damaged", "damaged", "json", "lost", "folder"]))
    whole = path.read_bytes()
    if how == "json" and path.suffix == ".json":
        path.write_text(json.dumps(draw(damage.changed_json(json.loads(whole)))))
    elif how == "lost":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(draw(damage.damaged(whole))[1])

    def check(output):
        weights = output / "rim_denoise_paper" / "rim_denoise_paper.weights.h5"
        _check_weights(weights)

    line = _training(output, num_validations=3)
    return Case([*map(str, line)], [str(stage)], "end", check)


def _check_weights(path):
    with h5py.File(path) as file:
        found = []
        file.visititems(
            lambda _, item: (
                found.append(item[()]) if isinstance(item, h5py.Dataset) else None
            )
        )
    assert found and all(np.isfinite(np.float64(values)).all() for values in found)


def _check_restored(output):
    values = np.load(output / "restored.npy")
    assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1


def _weights_beside(folder, shared):
    """Copies the small weights, and their description."""
    path = folder / "mine.weights.h5"
    shutil.copy(shared.weights, path)
    shutil.copy(shared.weights.with_name("small.json"), folder / "mine.json")
    return path


def _damaged_weights(draw, folder, shared):
    path = _weights_beside(folder, shared)
    _, content = draw(damage.damaged(path.read_bytes()))
    path.write_bytes(content)
    # The description tells the checksum.
    return Case([calls.load, path, folder / OUTPUT], [str(path)], "fail")


def _strange_weights(draw, folder, shared):
    """HDF5 that is whole, and no network of this description."""
    path = _weights_beside(folder, shared)
    _forget_checksum(folder / "mine.json")
    secret = folder / "secret.bin"
    secret.write_bytes(np.ones(10_000, np.float16).tobytes())
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = np.ones((3, 3, 2, 4), np.float16)
    kinds = ["nan", "inf", "shape", "dtype", "lost", "group", "soft", "elsewhere"]
    kind = draw(st.sampled_from([*kinds, "raw", "virtual", "huge", "bomb", "more"]))
    with h5py.File(path, "r+") as file:
        names = []
        file.visititems(
            lambda name, item: (
                names.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
        name = draw(st.sampled_from(names))
        values = file[name][()]
        if kind in ("nan", "inf"):
            file[name][...] = np.full(values.shape, float(kind))
        elif kind != "more":
            del file[name]
        shape = values.shape or (1,)
        match kind:
            case "shape":
                file[name] = np.zeros((*shape, 2), np.float16)
            case "dtype":
                file[name] = np.full(values.shape, b"text")
            case "group":
                file.create_group(name)
            case "soft":
                file[name] = h5py.SoftLink("/nowhere")
            case "elsewhere":
                file[name] = h5py.ExternalLink(str(folder / "other.h5"), "/x")
            case "raw":
                outside = [(str(secret), 0, h5py.h5f.UNLIMITED)]
                file.create_dataset(name, shape, "float16", external=outside)
            case "virtual":
                layout = h5py.VirtualLayout(shape, "float16")
                layout[...] = h5py.VirtualSource(folder / "other.h5", "x", shape)
                file.create_virtual_dataset(name, layout)
            case "huge" | "bomb":
                size = (100_000, 100_000) if kind == "huge" else (1 << 33,)
                file.create_dataset(name, size, "float16", chunks=True)
            case "more":
                file["another"] = np.zeros(3)
    must = "end" if kind == "more" else "fail"
    names = [str(path)]
    return Case([calls.load, path, folder / OUTPUT], names, must, _check_restored)


def _forget_checksum(path):
    described = json.loads(path.read_text())
    described.pop("sha256", None)
    path.write_text(json.dumps(described))


def _descriptions(draw, folder, shared):
    path = _weights_beside(folder, shared)
    description = folder / "mine.json"
    _forget_checksum(description)
    kind = draw(st.sampled_from(["json", "json", "json", "bytes", "class", "deep"]))
    whole = description.read_bytes()
    described = json.loads(whole)
    if kind == "json":
        described = draw(damage.changed_json(described))
    elif kind == "class":
        known = ["keras", "ops", "functools", "Any", "ConvGRUCell", "RIM", "rim_tf>RIM"]
        known += ["rim_tf>ConvGRUCell", "Lambda", "keras.layers.Lambda", "os.system"]
        described["architecture"]["cell"]["class"] = draw(
            st.sampled_from([*known, "FFNCell", "__builtins__", "_pad", "fused"])
        )
    elif kind == "deep":
        nested = "[" * 100_000
        description.write_text(f'{{"architecture": {nested}')
    if kind in ("json", "class"):
        huge = draw(
            st.sampled_from([None, None, "features", "state_features", "channels"])
        )
        if huge and kind == "json" and isinstance(described, dict):
            cell = described.get("architecture")
            cell = cell.get("cell") if isinstance(cell, dict) else None
            if isinstance(cell, dict):
                cell[huge] = draw(st.sampled_from([10**5, 10**7, 10**9, 10**18]))
        description.write_text(json.dumps(described))
    elif kind == "bytes":
        description.write_bytes(draw(damage.damaged(whole))[1])
    names = [str(path), str(description), "--weights"]
    if draw(st.integers(0, 3)):
        command = [calls.load, path, folder / OUTPUT]
        return Case(command, names, "end", _check_restored)
    line = _table(shared, folder, f"--images={shared.images}", f"--weights={path}")
    return Case([*map(str, line)], names, "end", _check_result)


def _check_result(output):
    result = json.loads((output / "result.json").read_text())
    assert result["measured"]
    for score in result["measured"]:
        assert np.isfinite(score["mean"])


def _whole_models(draw, folder, shared):
    """`.keras` files of strangers."""
    path = folder / "mine.keras"
    marker = folder / "marker"
    with zipfile.ZipFile(shared.whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    kind = draw(
        st.sampled_from(["json", "code", "module", "damaged", "member", "weights"])
    )
    must = "end"
    if kind == "json":
        config = draw(damage.changed_json(config))
    elif kind == "code":
        # What it would do is harmless.
        config, must = _with_code(str(marker)), "fail"
    elif kind == "module":
        inner = config["config"]["cell"]
        inner["module"] = draw(st.sampled_from(["os", "pathlib", "builtins", "keras"]))
        inner["class_name"] = draw(st.sampled_from(["system", "Path", "open", "Model"]))
        inner.pop("registered_name", None)
        must = "fail"
    members["config.json"] = json.dumps(config).encode()
    if kind == "weights":
        weights = members["model.weights.h5"]
        members["model.weights.h5"] = draw(damage.damaged(weights))[1]
    if kind == "member":
        name = draw(st.sampled_from(["../marker", str(marker), "a/../../marker"]))
        members[name] = b"x"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    if kind == "damaged":
        path.write_bytes(draw(damage.damaged(path.read_bytes()))[1])
    # What Keras says is its own; it writes nothing, and runs nothing.
    return Case([calls.load_whole_model, path], [""], must)


def _with_code(marker):
    """Returns what a model with a function in it is described by."""
    import keras

    inputs = keras.Input((2,))
    write = lambda x: [x, open(marker, "w").close()][0]  # noqa: E731
    layer = keras.layers.Lambda(write, output_shape=(2,))
    return keras.saving.serialize_keras_object(keras.Model(inputs, layer(inputs)))


def _results(draw, folder, shared):
    """Results of strangers, and training logs."""
    tool = draw(st.sampled_from(["compare", "compare a training", "merge", "diagnose"]))
    output = f"--output_dir={folder / OUTPUT}"
    if tool == "diagnose":
        return _values(draw, folder, output)
    if tool == "compare a training":
        return _compared_training(draw, folder, shared, output)
    sources = [shared.result] * 2 if tool == "compare" else shared.parts
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
        result = json.loads((shared.parts[0] / "result.json").read_text())
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
            _write(path, f"{i}.png", draw(damage.damaged(_image_bytes("png")))[1])
    else:
        path.write_bytes(content)
    condition = draw(st.sampled_from(["sigma25", "x2", "x3", "x4"]))
    flags = [f"--result={path}", f"--condition={condition}", "--compared_with=baseline"]
    flags += ["--dataset=embedded"] if kind == "folder" else []
    line = [jobs.SCRIPTS / "diagnose.py", *flags, output]
    return Case([*map(str, line)], ["--result", "--compared_with", "--dataset"], "end")


def _compared_training(draw, folder, shared, output):
    paths = [folder / "a", folder / "b"]
    for path in paths:
        shutil.copytree(shared.training[0], path)
    model = paths[0] / "rim_denoise_paper"
    file = model / draw(st.sampled_from(["rim_denoise_paper.json", "stage_1/log.csv"]))
    whole = file.read_bytes()
    if file.suffix == ".json" and draw(st.booleans()):
        file.write_text(json.dumps(draw(damage.changed_json(json.loads(whole)))))
    else:
        file.write_bytes(draw(damage.damaged(whole))[1])
    line = [jobs.SCRIPTS / "compare.py", *paths, output]
    return Case([*map(str, line)], [*map(str, paths)], "end")


_BODIES = [
    *("", "restore = 3", "def restore(", "import no_such_module", "raise SystemExit"),
    *(
        "def restore(y, s, f): return None",
        "def restore(y, s, f): return y * float('nan')",
    ),
    *("def restore(y, s, f): return 'x'", "def restore(y, s, f): return y[:1]"),
    *("def restore(y, s, f): raise SystemExit(3)", "def restore(): return 1"),
    *(
        "def restore(y, s, f): return y.astype(object)",
        "\x00",
        "restore = lambda *a: 1 / 0",
    ),
    *(
        "def restore(y, s, f): return 255 * y",
        "def restore(y, s, f):\n  return y\nNAME = 3",
    ),
    *("import keras\nclass Mine: pass", "import keras\nclass Mine(keras.Layer): pass"),
    *(
        "import keras\nclass Mine(keras.Layer):\n  def __init__(self): 1 / 0",
        "Mine = 3",
    ),
    "import keras\nclass Mine(keras.Layer):\n  def __init__(self): super().__init__()",
    "class RecursionError_(Exception): pass\nraise RecursionError_('x\\ny')",
    "def f(): return f()\nf()",
]


def _files_with_code(draw, folder, shared):
    """--method and --cell, which run what is in them, where that fails."""
    body = draw(st.sampled_from(_BODIES) | damage.texts)
    name = draw(
        st.sampled_from(["mine.py", "numpy.py", "my file.py", "\u4e2d.py", "a.b.py"])
    )
    content = body.encode()
    if draw(st.integers(0, 4)) == 0:
        content = draw(damage.damaged(content or b"x"))[1]
    path = _write(folder, name, content)
    if draw(st.booleans()):
        images = f"--images={shared.images}"
        line = _table(shared, folder, images, f"--method={path}")
        return Case([*map(str, line)], [name, "--method"], "end")
    cell = f"{path}:{draw(st.sampled_from(['Mine', 'x', 'x y', '', 'os']))}"
    line = _training(folder / OUTPUT, num_validations=1, cell=cell)
    return Case([*map(str, line)], [name, "--cell"], "fail")


def _archives(draw, folder, shared):
    """Archives of BSDS-300 with path tricks, links and damage."""
    path, plain = folder / "images.tgz", folder / "plain.tgz"
    file = io.BytesIO()
    content = _image_bytes("jpg")
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
    line = [Path(__file__).with_name("prepare_few.py"), path, folder / OUTPUT, plain]
    named = ["could not be downloaded", str(folder / OUTPUT)]
    return Case([*map(str, line)], named, must, _check_prepared)


def _add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _check_prepared(output):
    assert [*(output / "bsds300" / "1.0.0").glob("*.tfrecord*")]


def _restorations(draw, folder, shared):
    """`rim_tf.restore` with arguments that are none."""
    sizes = st.sampled_from([0, 1, 2, 3, 5, 8])
    shape = draw(st.tuples(st.just(1), st.just(8), st.just(8), st.just(1)))
    if draw(st.booleans()):
        shape = tuple(draw(st.lists(sizes, min_size=0, max_size=5)))
    dtypes = ["float32", "float64", "float16", "int32", "uint8", "bool", "complex64"]
    dtype = draw(st.sampled_from(["float32", *dtypes, "U3", "O", ">f4"]))
    odd = None
    if np.dtype(dtype).kind == "f":
        odd = draw(st.sampled_from([None, np.nan, np.inf, -np.inf, 1e38, -300.0]))
    sigmas = [0.1, None, -1, np.nan, np.inf, 1e30, "x", [0.1], [0.1, 0.2], [], [[0.1]]]
    sigma = draw(st.sampled_from([*sigmas, 0.1, 0.1, True, 1 + 1j, {}, b"x"]))
    operators = ["none", "class", "function", "Denoising", "Inpainting", "Blur"]
    name = draw(
        st.sampled_from(
            [*operators, "FourierProjection", "BicubicDownsampling", "Mosaic"]
        )
    )
    what = None
    if name in ("Inpainting", "Blur", "FourierProjection"):
        size = draw(
            st.sampled_from([(8, 8), (8, 8, 1), (3, 3), (), (0, 0), (8, 9), (9, 9)])
        )
        of = draw(st.sampled_from(["float32", "float64", "int8", "bool", "complex64"]))
        value = draw(st.sampled_from([None, np.nan, np.inf, -1, 2, 0]))
        what = (size, of, value if of.startswith("f") else None)
    elif name == "BicubicDownsampling":
        what = draw(st.sampled_from([2, 0, -1, 1.5, "x", None, 10**6, True]))
    elif name == "Mosaic":
        what = draw(st.sampled_from(["RGGB", "", "XXXX", None, 3]))
    drawn = {"shape": shape, "dtype": dtype, "odd": odd, "sigma": sigma}
    drawn["operator"] = (name, what)
    names = [
        "sigma",
        "observation",
        "forward_model",
        "factor",
        "pattern",
        "mask",
        "kernel",
    ]
    names += ["restores images", "Mosaic", "Inpainting", "Blur", "Fourier", "Denoising"]
    command = [calls.restore, shared.weights, calls.arguments, drawn, folder / OUTPUT]
    return Case(command, [*names, "Bicubic", "of floats"], "end", _check_restored)


# Of a thousand.
_GROUPS = {
    _flags_of_rim_restore: 80,
    _paths_of_rim_restore: 40,
    _damaged_images: 90,
    _cut_images: 60,
    _declared_sizes: 80,
    _odd_tiffs: 60,
    _masks_and_kernels: 80,
    _folders_and_links: 50,
    _flags_of_tables: 70,
    _flags_of_training: 60,
    _damaged_trainings: 40,
    _damaged_weights: 50,
    _strange_weights: 40,
    _descriptions: 70,
    _whole_models: 40,
    _results: 80,
    _files_with_code: 40,
    _archives: 50,
    _restorations: 80,
}
_NAMES = [group.__name__[1:] for group in _GROUPS]


@pytest.mark.parametrize("group", _GROUPS, ids=_NAMES)
def test_bad_input(group, shared, tmp_path):
    number = max(1, round(_GROUPS[group] * _NUM_INPUTS / sum(_GROUPS.values())))
    seen, failures, longest = collections.Counter(), [], 0.0

    @hypothesis.settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        # What fails is told by its folder; to look for less takes hundreds of runs.
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(st.data())
    def draw_and_run(data):
        nonlocal longest
        folder = tmp_path / f"{sum(seen.values()):04d}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        case = group(data.draw, folder, shared)
        begun = time.monotonic()
        try:
            outcome = outcomes.run(case, folder)
        except AssertionError as error:
            outcome = "failed"
            failures.append(f"{folder}: {error}")
        seen[outcome] += 1
        longest = max(longest, time.monotonic() - begun)
        if outcome != "failed":
            shutil.rmtree(folder)

    begun = time.monotonic()
    draw_and_run()
    seconds = time.monotonic() - begun
    print(
        f"{group.__name__[1:]}: {dict(seen)}, {seconds:.0f} s, longest {longest:.1f} s"
    )
    if failures:
        print("\n\n".join(failures), flush=True)
    assert not failures, f"{len(failures)} of {number}"
