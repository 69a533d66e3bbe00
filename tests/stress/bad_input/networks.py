"""Bad weights, descriptions, trainings, and arguments of `rim_tf.restore`."""

import json
import shutil
import zipfile

import h5py
import numpy as np
from hypothesis import strategies as st

from tests.stress import calls, damage
from tests.stress.bad_input import shared
from tests.stress.outcomes import OUTPUT, Case


def damaged_trainings(draw, folder, intact):
    """A training that goes on where one of its files is damaged."""
    which = draw(st.integers(0, 2)) // 2
    output = folder / OUTPUT
    shutil.copytree(intact.training[which], output)
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

    line = shared.training(output, num_validations=3)
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


def _weights_beside(folder, intact):
    """Copies the small weights, and their description."""
    path = folder / "mine.weights.h5"
    shutil.copy(intact.weights, path)
    shutil.copy(intact.weights.with_name("small.json"), folder / "mine.json")
    return path


def damaged_weights(draw, folder, intact):
    """Weights of which something changed: their description tells the checksum."""
    path = _weights_beside(folder, intact)
    _, content = draw(damage.damaged(path.read_bytes()))
    path.write_bytes(content)
    # The description tells the checksum.
    return Case([calls.load, path, folder / OUTPUT], [str(path)], "fail")


def strange_weights(draw, folder, intact):
    """HDF5 that is whole, and no network of this description."""
    path = _weights_beside(folder, intact)
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


def descriptions(draw, folder, intact):
    """Descriptions of networks that are none, or too large."""
    path = _weights_beside(folder, intact)
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
    line = shared.table(
        intact, folder, f"--images={intact.images}", f"--weights={path}"
    )
    return Case([*map(str, line)], names, "end", _check_result)


def _check_result(output):
    result = json.loads((output / "result.json").read_text())
    assert result["measured"]
    for score in result["measured"]:
        assert np.isfinite(score["mean"])


def whole_models(draw, folder, intact):
    """`.keras` files of strangers."""
    path = folder / "mine.keras"
    marker = folder / "marker"
    with zipfile.ZipFile(intact.whole) as archive:
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


_DTYPES = [
    "float64",
    "float16",
    "int32",
    "uint8",
    "bool",
    "complex64",
    "U3",
    "O",
    ">f4",
]
_SIGMAS = [
    *(
        None,
        -1,
        np.nan,
        np.inf,
        1e30,
        "x",
        [0.1],
        [0.1, 0.2],
        [],
        [[0.1]],
        True,
        1 + 1j,
    ),
    *({}, b"x", 0, 0.3),
]
_OPERATORS = ["class", "function", "Inpainting", "Blur", "FourierProjection"]
_SIZES = [(8, 8), (8, 8, 1), (3, 3), (), (0, 0), (8, 9), (9, 9)]
# What the error must name one of.
_ARGUMENTS = [
    *("sigma", "observation", "forward_model", "factor", "pattern", "mask", "kernel"),
    *("restores images", "Mosaic", "Inpainting", "Blur", "Fourier", "Denoising"),
    *("Bicubic", "of floats"),
]


def restorations(draw, folder, intact):
    """`rim_tf.restore` with one or two arguments that may be none."""
    parts = ["shape", "dtype", "odd", "sigma", "operator"]
    wrong = draw(st.lists(st.sampled_from(parts), min_size=1, max_size=2, unique=True))
    drawn = {"shape": (1, 8, 8, 1), "dtype": "float32", "odd": None, "sigma": 0.1}
    drawn["operator"] = ("none", None)
    odd = st.sampled_from([np.nan, np.inf, -np.inf, 1e38, -300.0])
    draws = {
        "shape": st.lists(st.sampled_from([0, 1, 2, 3, 8]), max_size=5).map(tuple),
        **{"dtype": st.sampled_from(_DTYPES), "odd": odd},
        **{"sigma": st.sampled_from(_SIGMAS), "operator": _operators()},
    }
    drawn |= {name: draw(draws[name]) for name in wrong}
    if np.dtype(drawn["dtype"]).kind != "f":
        drawn["odd"] = None
    command = [calls.restore, intact.weights, calls.arguments, drawn, folder / OUTPUT]
    return Case(command, _ARGUMENTS, "end", _check_restored)


@st.composite
def _operators(draw):
    """Draws a forward model, as `calls.arguments` takes it."""
    name = draw(st.sampled_from([*_OPERATORS, "BicubicDownsampling", "Mosaic"]))
    if name == "BicubicDownsampling":
        return name, draw(st.sampled_from([2, 0, -1, 1.5, "x", None, 10**6, True]))
    if name == "Mosaic":
        return name, draw(st.sampled_from(["RGGB", "", "XXXX", None, 3]))
    if name in ("class", "function"):
        return name, None
    kinds = ["float32", "float32", "float64", "int8", "bool", "complex64"]
    of = draw(st.sampled_from(kinds))
    value = draw(st.sampled_from([None, None, np.nan, np.inf, -1, 2, 0]))
    size = draw(st.sampled_from(_SIZES))
    return name, (size, of, value if of.startswith("f") else None)
