"""Graphs without what is there for speed only, so that they run elsewhere, too."""

import contextlib
import contextvars
from collections.abc import Iterator

_IS_PLAIN = contextvars.ContextVar("is_plain", default=False)


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Leaves out Winograd's convolutions and calls of XLA while a graph is made."""
    token = _IS_PLAIN.set(True)
    try:
        yield
    finally:
        _IS_PLAIN.reset(token)


def is_plain() -> bool:
    """Says whether a graph is made that is to run elsewhere."""
    return _IS_PLAIN.get()
