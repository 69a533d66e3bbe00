"""Tests of pictures of estimates."""

import numpy as np
import pytest
from PIL import Image

import rim_tf


def _clean(channels=1):
    return np.random.default_rng(0).uniform(size=(1, 12, 16, channels))


def _estimates(number=12, channels=1):
    """They come nearer to the truth, by half each time."""
    clean = _clean(channels)
    return np.stack([clean + (0.5 - clean) * 0.5**t for t in range(number)])


def test_shows_estimates_their_psnr_and_the_curve(tmp_path):
    path = tmp_path / "estimates.png"
    figure = rim_tf.show_estimates(
        _estimates(), _clean(), np.full((1, 12, 16, 1), 0.5), path=path
    )
    *pictures, curve = figure.axes
    titles = [axis.get_title() for axis in pictures]
    names = [title.split("\n")[0] for title in titles]
    wanted = ["observation", "t = 1", "t = 2", "t = 5", "t = 10", "t = 12", "clean"]
    assert names == wanted
    expected = rim_tf.metrics.psnr(_estimates()[4], _clean())[0]
    assert titles[3] == f"t = 5\n{expected:.2f} dB"
    np.testing.assert_array_equal(
        pictures[3].images[0].get_array(), _estimates()[4][0, ..., 0]
    )
    t, psnr = curve.lines[0].get_data()
    assert list(t) == list(range(1, 13))
    assert psnr[4] == pytest.approx(expected)
    assert min(Image.open(path).size) > 200


def test_without_the_truth_there_are_pictures_only():
    figure = rim_tf.show_estimates(list(_estimates(3, 3)), steps=[1, 3])
    assert [axis.get_title() for axis in figure.axes] == ["t = 1", "t = 3"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": [0]}, r"between 1 and 12, got \[0\]"),
        ({"estimates": iter([])}, "no estimates to show"),
        ({"clean": np.ones((12, 16, 1))}, r"clean have the shape \(12, 16, 1\)"),
        ({"observation": np.ones((2, 12, 16, 1))}, "takes one image"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        rim_tf.show_estimates(**{"estimates": _estimates(), **arguments})
