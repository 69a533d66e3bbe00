"""Tests of own cells, links and likelihoods: saved here, loaded in another process."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import rim_tf
from tests import own_parts


@pytest.fixture(autouse=True)
def _registered():
    """Tests of files that users give load that one anew, and register it again."""
    keras.saving.register_keras_serializable("own")(own_parts.OwnCell)
    rim_tf.links.register(own_parts.SINE)


@pytest.fixture(name="model")
def _model():
    keras.utils.set_random_seed(0)
    model = rim_tf.RIM(own_parts.OwnCell(width=5), own_parts.SINE, num_steps=3)
    model.build()
    # What 16 bits hold.
    model.set_weights([np.float32(np.float16(w)) for w in model.get_weights()])
    return model


def test_another_process_loads_them_and_gives_the_same(model, tmp_path):
    paths = [tmp_path / name for name in ("own.weights.h5", "own.keras", "own.npy")]
    rim_tf.save_pretrained(model, paths[0], {})
    model.save(paths[1])
    root = str(Path(__file__).parents[1])
    finished = subprocess.run(
        [sys.executable, own_parts.__file__, *paths],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert finished.returncode == 0, finished.stderr
    expected = own_parts.estimates(model)
    # The likelihood has a part in it.
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    loaded = np.load(paths[2])
    assert loaded.shape == (2, *expected.shape)
    for estimates in loaded:
        np.testing.assert_array_equal(estimates, expected)


def test_a_class_without_a_name_is_refused(tmp_path):
    class Nameless(own_parts.OwnCell):
        pass

    model = rim_tf.RIM(Nameless())
    model.build()
    with pytest.raises(ValueError, match="class Nameless has no name in files; write"):
        rim_tf.save_pretrained(model, tmp_path / "own.weights.h5", {})
    assert not list(tmp_path.iterdir())


def test_a_class_that_is_not_known_is_refused(model, tmp_path):
    path = tmp_path / "own.weights.h5"
    rim_tf.save_pretrained(model, path, {})
    described = path.with_name("own.json")
    text = described.read_text()
    described.write_text(text.replace("own>OwnCell", "own>Other"))
    with pytest.raises(ValueError, match="own>Other is not known; import the module"):
        rim_tf.load_pretrained(path)
    described.write_text(text.replace('"sine"', '"cosine"'))
    with pytest.raises(ValueError, match=r"not 'cosine'; rim_tf\.links\.register adds"):
        rim_tf.load_pretrained(path)


def test_weights_have_their_ending(model, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.weights\.h5, not so .*own\.h5"):
        rim_tf.save_pretrained(model, tmp_path / "own.h5", {})
