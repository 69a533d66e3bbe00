"""Tests of the link functions."""

import numpy as np
import pytest

from rim_tf import links


@pytest.mark.parametrize("name", ["sigmoid", "identity"])
def test_inverse_and_derivative(name):
    link = links.get(name)
    image = np.linspace(0.02, 0.98, 20, dtype="float32")
    eta = np.asarray(link.inverse(image))
    np.testing.assert_allclose(link.forward(eta), image, rtol=1e-5)
    delta = np.float32(1e-2)
    slope = (np.asarray(link.forward(eta + delta)) - link.forward(eta - delta)) / 0.02
    np.testing.assert_allclose(link.derivative(eta), slope, atol=1e-4)


def test_sigmoid_link_clips_what_has_no_finite_inverse():
    eta = np.asarray(links.get("sigmoid").inverse(np.float32([-0.5, 0.0, 1.0, 1.5])))
    bound = np.log(0.99 / 0.01)
    np.testing.assert_allclose(eta, [-bound, -bound, bound, bound], rtol=1e-5)


def test_unknown_link():
    with pytest.raises(ValueError, match="link must be one of"):
        links.get("relu")


def test_a_link_of_ones_own_is_known_by_its_name():
    own = links.Link("own", *links.get("identity")[1:])
    assert links.get(own) is links.get("own") is own
    again = links.Link("own", *links.get("sigmoid")[1:])
    assert links.get(again) is links.get("own") is again


def test_the_names_of_the_library_stay():
    with pytest.raises(ValueError, match="has a link 'sigmoid'"):
        links.register(links.get("identity")._replace(name="sigmoid"))
    links.register(links.get("sigmoid"))


def test_what_is_no_link():
    with pytest.raises(TypeError, match="a name or a"):
        links.get(abs)
