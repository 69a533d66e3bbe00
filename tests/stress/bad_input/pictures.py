"""Bad images, masks and kernels, and folders of which some files are none."""

import io
import os

import hypothesis
import numpy as np
import tifffile
from hypothesis import strategies as st
from PIL import Image

from tests.stress import calls, damage
from tests.stress.bad_input import shared
from tests.stress.outcomes import OUTPUT, Case


def damaged_images(draw, folder, intact):
    """Image files that are cut, flipped, or have more or less."""
    suffix = draw(st.sampled_from([*shared.FORMATS]))
    _, content = draw(damage.damaged(shared.image_bytes(suffix)))
    name = f"photo.{draw(st.sampled_from([suffix, 'png']))}"
    path = shared.write(folder, name, content)
    (folder / OUTPUT).mkdir()
    command = draw(st.sampled_from(["denoise", "enlarge"]))
    flags = ["--sigma=25"] if command == "denoise" else []
    line = ["rim-restore", command, path, folder / OUTPUT / "new.tif", *flags]
    return Case(
        [*map(str, line), *shared.QUICKLY],
        [str(path), "--range"],
        "end",
        shared.check_pictures,
    )


def cut_images(draw, folder, intact):
    """A file that is cut short is read whole, or refused; never half."""
    suffix = draw(st.sampled_from([*shared.FORMATS]))
    whole = shared.image_bytes(suffix)
    path = shared.write(
        folder, f"photo.{suffix}", whole[: draw(st.integers(0, len(whole) - 1))]
    )
    with Image.open(io.BytesIO(whole)) as image:
        expected = np.asarray(image.convert("RGB"))

    def check(output):
        pixels = np.load(output / "pixels.npy")
        np.testing.assert_array_equal(pixels, expected)

    command = [calls.read_image, path, folder / OUTPUT]
    return Case(command, [str(path)], "end", check)


def declared_sizes(draw, folder, intact):
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
    path = shared.write(folder, f"photo.{kind}", content)
    (folder / OUTPUT).mkdir()
    line = ["rim-restore", "denoise", path, folder / OUTPUT / "new.tif", "--sigma=25"]
    return Case([*map(str, line), *shared.QUICKLY], [str(path)], "fail")


def odd_tiffs(draw, folder, intact):
    """Values that are not finite, and numbers and shapes that are no image's."""
    dtypes = ["float32", "float64", "uint8", "uint16", "int16", "int32", "uint64"]
    dtype = draw(st.sampled_from([*dtypes, "float16", "complex64", "bool"]))
    shapes = [
        (shared.SIDE, shared.SIDE),
        (shared.SIDE, shared.SIDE, 3),
        (shared.SIDE, shared.SIDE, 4),
        (1, 1),
        (1, shared.SIDE),
    ]
    shapes += [
        (3, shared.SIDE, shared.SIDE),
        (shared.SIDE, shared.SIDE, 2),
        (shared.SIDE, shared.SIDE, 7),
        (2, 3, 4, 5),
    ]
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
    return Case([*map(str, line), *shared.QUICKLY], named, must, shared.check_pictures)


def masks_and_kernels(draw, folder, intact):
    """Operators of `rim-restore` of wrong shapes, dtypes, values and formats."""
    photo = shared.write(folder, "photo.png", shared.image_bytes("png", "L"))
    which = draw(st.sampled_from(["inpaint", "deblur"]))
    sizes = st.sampled_from([0, 1, 2, 3, shared.SIDE, shared.SIDE + 1])
    # Of a kernel that is one, and others.
    fitting = st.sampled_from([(3, 3), (2, 5)])
    shape = draw(fitting | st.lists(sizes, max_size=4).map(tuple))
    dtypes = ["float32", "float64", "float16", "int8", "uint64", "bool", "complex64"]
    values = np.ones(shape, draw(st.sampled_from([*dtypes, "U3", "datetime64[s]"])))
    if values.size and values.dtype.kind == "f":
        odd = [np.nan, np.inf, -np.inf, -1, 0, 1e38, -8.0001, 1e-40, *[1] * 8]
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
        name = f"operator.{draw(st.sampled_from([*shared.FORMATS]))}"
        file.write(draw(damage.damaged(shared.image_bytes(name.rpartition(".")[2])))[1])
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
    path = shared.write(folder, name, content)
    (folder / OUTPUT).mkdir()
    flag = {"inpaint": "--mask", "deblur": "--kernel"}[which]
    line = ["rim-restore", which, photo, folder / OUTPUT / "new.tif", f"{flag}={path}"]
    return Case(
        [*map(str, line), *shared.QUICKLY, "--sigma=25"],
        [flag, str(path)],
        "end",
        shared.check_pictures,
    )


def folders_and_links(draw, folder, intact):
    """A folder of which some files are none."""
    images = folder / "images"
    images.mkdir()
    shared.write(images, "good.png", shared.image_bytes("png", "L"))
    outside = folder / "outside"
    outside.mkdir()
    shared.write(outside, "other.png", shared.image_bytes("png", "L"))
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
        makers[kind](images / f"{i}{name}.{draw(st.sampled_from([*shared.FORMATS]))}")
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
        flags = ["--sigma=25", *shared.QUICKLY]
        line = [tool, "denoise", images, folder / OUTPUT / output, *flags]
    elif tool == "table":
        line = shared.table(intact, folder, f"--images={images}")
    else:
        line = shared.training(folder / OUTPUT, train_images=images, num_validations=1)
    return Case([*map(str, line)], [*named, "--patch_size"], "end")
