"""Bad flags and paths, and files of code that fail."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from tests.stress import damage, jobs
from tests.stress.bad_input import shared
from tests.stress.outcomes import OUTPUT, Case


def flags_of_rim_restore(draw, folder, intact):
    """Values that no flag of `rim-restore` takes."""
    command = draw(
        st.sampled_from(["denoise", "enlarge", "inpaint", "deblur", "demosaic"])
    )
    photo = shared.write(folder, "photo.png", shared.image_bytes("png", "L"))
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
    return Case(line, [*known, *values, str(folder)], "end", shared.check_pictures)


def paths_of_rim_restore(draw, folder, intact):
    """Odd names of the image and of what is to be written."""
    shared.write(folder, "photo.png", shared.image_bytes("png", "L"))
    (folder / OUTPUT).mkdir()
    odd = st.sampled_from(damage.ODD_PATHS) | damage.texts
    image = draw(st.just("photo.png") | odd)
    output = (
        f"{OUTPUT}/{draw(odd)}{draw(st.sampled_from(['', '.png', '.tif', '.exe']))}"
    )
    command = [
        "rim-restore",
        "denoise",
        "--sigma=25",
        *shared.QUICKLY,
        "--",
        image,
        output,
    ]
    named = [image, str(Path(output)), "There is no", "arguments are required"]
    return Case(command, named, "end", shared.check_pictures)


_TABLES = [
    *("table1_rgb_denoise", "table2_denoise", "table2_quantized_denoise"),
    *("table3_super_resolution", "unseen_operators", "figure3_three_task", "protocol"),
]


def flags_of_tables(draw, folder, intact):
    """The same of scripts of tables."""
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
    usual = {"images": intact.images, "num_steps": 1, "precision": "float32"}
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


def flags_of_training(draw, folder, intact):
    """The same of `train.py`."""
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
    line = [
        *shared.training(folder / OUTPUT, **{"num_validations": 1, **given}),
        *recipe,
    ]
    known = [f"--{name}" for name in names] + names + ["no recipe is called"]
    # A training of so many patches may be meant.
    return Case([*map(str, line)], [*known, "batch", "loss", "patches"], "end")


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


def files_with_code(draw, folder, intact):
    """--method and --cell, which run what is in them, where that fails."""
    body = draw(st.sampled_from(_BODIES) | damage.texts)
    name = draw(
        st.sampled_from(["mine.py", "numpy.py", "my file.py", "\u4e2d.py", "a.b.py"])
    )
    content = body.encode()
    if draw(st.integers(0, 4)) == 0:
        content = draw(damage.damaged(content or b"x"))[1]
    path = shared.write(folder, name, content)
    if draw(st.booleans()):
        images = f"--images={intact.images}"
        line = shared.table(intact, folder, images, f"--method={path}")
        return Case([*map(str, line)], [name, "--method"], "end")
    cell = f"{path}:{draw(st.sampled_from(['Mine', 'x', 'x y', '', 'os']))}"
    line = shared.training(folder / OUTPUT, num_validations=1, cell=cell)
    return Case([*map(str, line)], [name, "--cell"], "fail")
