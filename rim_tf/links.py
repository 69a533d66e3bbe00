"""Link functions Psi between the iterate eta and the image x = Psi(eta) (section 2)."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

# Keeps eta_0 finite where an observation touches or leaves the range [0, 1].
_MARGIN = 0.01


class Link(NamedTuple):
    """A differentiable link function.

    Attributes:
      name: The name by which `get` finds it.
      forward: Psi, from eta to the image.
      inverse: Psi^-1, from the image to eta.
      derivative: Psi'(eta).
    """

    name: str
    forward: Callable
    inverse: Callable
    derivative: Callable


def logit(image, margin: float = _MARGIN):
    """Returns the logit of an image, which is clipped to [margin, 1 - margin]."""
    image = ops.clip(image, margin, 1.0 - margin)
    return ops.log(image) - ops.log1p(-image)


def _same(values):
    return ops.convert_to_tensor(values)


def _sigmoid_derivative(eta):
    image = ops.sigmoid(eta)
    return image * (1.0 - image)


_OURS = {
    link.name: link
    for link in (
        Link("sigmoid", ops.sigmoid, logit, _sigmoid_derivative),
        Link("identity", _same, _same, ops.ones_like),
    )
}
_LINKS = dict(_OURS)


def get(link: str | Link) -> Link:
    """Returns a link function by its name; one of your own is registered by that.

    Raises:
      TypeError: If it is neither a name nor a `Link`.
      ValueError: If there is no such link function, or another one has the name.
    """
    if isinstance(link, Link):
        register(link)
        return link
    if not isinstance(link, str):
        raise TypeError(f"link must be a name or a rim_tf.links.Link, not {link!r}.")
    if link not in _LINKS:
        raise ValueError(
            f"link must be one of {sorted(_LINKS)}, not {link!r}; "
            "rim_tf.links.register adds one of your own."
        )
    return _LINKS[link]


def register(link: Link) -> None:
    """Makes a link function known by its name, so that models with it can be loaded.

    Raises:
      ValueError: If another one of the library has the name.
    """
    if _LINKS.get(link.name, link) != link and link.name in _OURS:
        raise ValueError(f"Choose another name: the library has a link {link.name!r}.")
    _LINKS[link.name] = link
