"""What is wrong with input: draws of Hypothesis."""

import copy
import struct
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

# Values that a field or a flag is not made for.
ODD_VALUES = [
    *(None, True, False, -1, 0, 1, 3, 1.5, -0.5, 1e308, 10**30, float("nan")),
    *("", "x", "../../x", "/", "\u00e9\u4e2d", "x" * 5000, "<b>", "NaN", "1e9"),
    *([], {}, [1], [[]], {"a": 1}, [None], ["x", 2]),
]
ODD_NUMBERS = [
    *("nan", "inf", "-inf", "-1", "0", "-0", "1e308", "-1e308", "1e-320", "1e400"),
    *("", "x", "0x10", "1_0", "\u0663", "1,2", "1;2", " 1 ", "5" * 400, "--", "1e"),
    *(str(10**30), str(-(10**30)), str(2**31), str(2**32), str(2**63), str(2**64)),
]
# No file may have such a name, or it is that of another place.
ODD_PATHS = [
    *("", ".", "..", "/", "/dev/null", "missing.png", "~nobody/x", "x" * 300),
    *("a/b/c", "\u00e9\u4e2d\n", "-", "--", "NUL", "photo.png/x", "~", "*.png"),
]
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=0, max_size=12
)


def damaged(whole: bytes) -> st.SearchStrategy[tuple[str, bytes]]:
    """Draws what is damaged, in words, and bytes that are no longer whole."""
    place = st.integers(0, max(0, len(whole) - 1)) | st.integers(0, min(len(whole), 64))
    return st.one_of(
        place.map(lambda n: ("cut", whole[:n])),
        st.lists(st.tuples(place, st.integers(0, 7)), min_size=1, max_size=6).map(
            lambda bits: ("flipped", _flipped(whole, bits))
        ),
        st.tuples(place, st.integers(1, 40)).map(
            lambda at: ("lacks a part", whole[: at[0]] + whole[sum(at) :])
        ),
        st.tuples(place, st.binary(min_size=1, max_size=40)).map(
            lambda at: ("has more", whole[: at[0]] + at[1] + whole[at[0] :])
        ),
        st.tuples(place, st.integers(1, 64)).map(
            lambda at: (
                "zeros",
                whole[: at[0]] + bytes(len(whole[at[0] : sum(at)])) + whole[sum(at) :],
            )
        ),
        st.binary(max_size=64).map(lambda junk: ("junk", junk)),
    ).filter(lambda made: made[1] != whole)


def _flipped(whole: bytes, bits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(whole)
    for place, bit in bits:
        if place < len(changed):
            changed[place] ^= 1 << bit
    return bytes(changed)


@st.composite
def changed_json(draw: Callable, whole: Any) -> Any:
    """Draws a JSON value of which one to three parts are others, or missing."""
    changed = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        parent, key = _place(draw, changed)
        if parent is None:
            return draw(st.sampled_from(ODD_VALUES))
        if draw(st.integers(0, 3)) == 0:
            del parent[key]
        else:
            parent[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return changed


def _place(draw: Callable, value: Any) -> tuple[Any, Any]:
    """Draws a place in a JSON value: what holds it, and its key or number."""
    parent, key = None, None
    while isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        parent, key = value, draw(st.sampled_from(list(keys)))
        value = parent[key]
    return parent, key


def png(width: int, height: int, depth: int, kind: int, data: bytes) -> bytes:
    """Returns a PNG file whose header says what it is told to."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body))
        + name
        + body
        + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def bmp(width: int, height: int, data: bytes) -> bytes:
    """Returns a BMP file of colours of which the same is true."""
    about = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + about + data


def tiff(width: int, height: int, bits: int, form: int, strips: Any) -> bytes:
    """Returns a grey TIFF file of which the same is true.

    Args:
      width: Of the image.
      height: The same.
      bits: Of a pixel.
      form: 1 for unsigned integers, 3 for floats.
      strips: Offset and number of bytes that the only strip is said to have, and the
        number of its compression.
    """
    offset, size, compression = strips
    tags = (
        *((256, width), (257, height), (258, bits), (259, compression), (262, 1)),
        *((273, offset), (277, 1), (278, height), (279, size), (339, form)),
    )
    fields = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags]
    folder = struct.pack("<H", len(tags)) + b"".join(fields) + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8) + folder + bytes(64)


def npy(text: str, data: bytes) -> bytes:
    """Returns a file of NumPy whose header says what it is told to."""
    header = text.encode("latin1", "replace") + b"\n"
    return (
        b"\x93NUMPY\x01\0" + struct.pack("<H", len(header) % (1 << 16)) + header + data
    )
