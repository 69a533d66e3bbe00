"""Tests of saving and loading weights."""

import json

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import pretrained
from rim_tf.cells import RIMCell
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    FourierProjection,
    RandomProjection,
    check_adjoint,
)


@keras.saving.register_keras_serializable(package="tests")
class _SmallerCell(RIMCell):
    """A cell with fewer parameters than a `RIMCell` of its sizes."""

    def build(self, input_shape=None):
        self.update.build((None, None, None, self.features))


@pytest.fixture(name="rim")
def _rim():
    keras.utils.set_random_seed(0)
    rim = rim_tf.RIM(
        RIMCell(channels=3, features=4, state_features=6), gradient="eta", num_steps=3
    )
    rim.build()
    return rim


@pytest.fixture(name="path")
def _path(rim, tmp_path):
    path = tmp_path / "mine.weights.h5"
    pretrained.save_pretrained(rim, path, {"patches_seen": 7})
    return path


def test_round_trip_in_half_precision(rim, path):
    copy = rim_tf.load_pretrained(path)
    assert (copy.gradient, copy.num_steps, copy.cell.channels) == ("eta", 3, 3)
    for actual, expected in zip(copy.get_weights(), rim.get_weights(), strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_array_equal(actual, np.float32(np.float16(expected)))
    assert pretrained.read_history(path) == {"patches_seen": 7}


def test_a_history_that_json_cannot_hold_changes_nothing(rim, path):
    before = [path.read_bytes(), path.with_name("mine.json").read_bytes()]
    with pytest.raises(TypeError, match=r"history must hold what JSON can: .* float32"):
        pretrained.save_pretrained(rim, path, {"psnr": np.float32(30)})
    assert [path.read_bytes(), path.with_name("mine.json").read_bytes()] == before


def test_a_path_may_begin_at_home(rim, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    pretrained.save_pretrained(rim, "~/mine.weights.h5", {})
    assert (tmp_path / "mine.weights.h5").exists()
    assert rim_tf.load_pretrained("~/mine.weights.h5").built


def test_a_cell_that_sees_sigma_comes_back(tmp_path):
    keras.utils.set_random_seed(0)
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6, sees_sigma=True))
    rim.build()
    rim.set_weights([np.float16(weight) for weight in rim.get_weights()])
    path = tmp_path / "mine.weights.h5"
    pretrained.save_pretrained(rim, path, {})
    assert pretrained.read_architecture(path)["cell"]["sees_sigma"]
    copy = rim_tf.load_pretrained(path)
    assert copy.cell.sees_sigma
    noisy = np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype("float32")
    estimates = (model(noisy, sigma=0.1, num_steps=2) for model in (rim, copy))
    np.testing.assert_array_equal(*estimates)


def test_file_is_half_as_large(rim, path):
    values = sum(weight.size for weight in rim.get_weights())
    # Keras' own bookkeeping takes some KB.
    assert path.stat().st_size < 2 * values + 60_000


def test_mixed_precision(path):
    model = rim_tf.load_pretrained(path, "mixed_bfloat16")
    restored = rim_tf.restore(model, np.full((1, 8, 8, 3), 0.5), sigma=0.1)
    assert model.cell.compute_dtype == "bfloat16"
    assert model.cell.update.kernel.dtype == "float32"
    assert restored.dtype == np.float32


def test_weights_that_do_not_fit_are_refused(path):
    described = json.loads((path.parent / "mine.json").read_text())
    described["architecture"]["cell"]["state_features"] = 9
    (path.parent / "mine.json").write_text(json.dumps(described))
    with pytest.raises(
        ValueError, match=r"does not fit the architecture in mine\.json"
    ):
        rim_tf.load_pretrained(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4748736\n",
        None,
    ],
    ids=["empty", "pointer", "cut short"],
)
def test_damaged_weights_are_told_from_those_that_do_not_fit(path, content):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(
        ValueError, match=r"mine\.weights\.h5 is damaged, or was not dow"
    ):
        rim_tf.load_pretrained(path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"history": {}}',
        '{"architecture": {}, "history": {}}',
        '{"architecture": {"cell": {"class": "Nonsense"}}, "history": {}}',
    ],
)
def test_description_that_says_nothing_is_refused(path, text):
    (path.parent / "mine.json").write_text(text)
    with pytest.raises(ValueError, match=r"mine\.json"):
        rim_tf.load_pretrained(path)


def _describe(path, **changed):
    description = path.parent / "mine.json"
    described = {**json.loads(description.read_text()), **changed}
    description.write_text(json.dumps(described))
    return described


def test_a_changed_file_is_damaged(path):
    """A single bit, which may be that of a weight."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"mine\.weights\.h5 is damaged.*its checksum"):
        rim_tf.load_pretrained(path)
    # So were weights saved before there were checksums.
    _describe(path, sha256=None)
    rim_tf.load_pretrained(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(rim, path, value):
    _describe(path, sha256=None)
    rim.phi_epsilon.assign(value)
    rim.save_weights(path)
    with pytest.raises(ValueError, match=r"mine\.weights\.h5 .*are not finite"):
        rim_tf.load_pretrained(path)


@pytest.mark.parametrize("name", ["channels", "features", "state_features"])
def test_a_network_larger_than_its_file_is_not_made(path, name):
    described = _describe(path)
    described["architecture"]["cell"][name] = 10**6
    _describe(path, **described)
    message = r"mine\.json asks for .* weights, more than mine\.weights\.h5 can hold"
    with pytest.raises(ValueError, match=message):
        rim_tf.load_pretrained(path)


def test_a_users_cell_may_be_smaller(tmp_path):
    rim = rim_tf.RIM(_SmallerCell(state_features=64))
    rim.build()
    path = tmp_path / "mine.weights.h5"
    pretrained.save_pretrained(rim, path, {})
    assert 2 * rim.cell.num_parameters > path.stat().st_size
    assert type(rim_tf.load_pretrained(path).cell) is _SmallerCell


@pytest.mark.parametrize("name", ["keras", "fused", "_pad", "Any", "rim_tf>RIM"])
def test_a_name_that_is_no_cells_is_not_called(path, name):
    described = _describe(path)
    described["architecture"]["cell"]["class"] = name
    _describe(path, **described)
    with pytest.raises(ValueError, match=rf"The cell's class {name} is not known"):
        rim_tf.load_pretrained(path)


def test_file_without_its_description_is_refused(path):
    path.with_name(path.name.replace(".weights.h5", ".json")).unlink()
    with pytest.raises(ValueError, match=r"\.weights\.h5 needs \S+\.json beside it"):
        rim_tf.load_pretrained(path)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="rim_denoise"):
        rim_tf.load_pretrained("rim_nonsense")
    with pytest.raises(ValueError, match=r"x\.weights\.h5 does not exist"):
        rim_tf.load_pretrained("x.weights.h5")


def test_weights_beyond_half_precision_are_refused(rim, tmp_path):
    rim.phi_epsilon.assign(1e6)
    with pytest.raises(FloatingPointError, match="float16"):
        pretrained.save_pretrained(rim, tmp_path / "x.weights.h5", {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", pretrained.available())
def test_shipped_weights_carry_their_history(name):
    history = pretrained.read_history(name)
    for key in ("command", "data", "patches_seen", "seconds", "validation_psnr"):
        assert key in history
    model = rim_tf.load_pretrained(name)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_keras_setting_of_the_data_format_changes_nothing(path):
    model = rim_tf.load_pretrained(path)
    blur = Blur(np.full((3, 3), 1 / 9))
    observation = np.random.default_rng(0).uniform(size=(1, 8, 9, 3))
    expected = rim_tf.restore(model, observation, blur, sigma=0.1)
    usual = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        model = rim_tf.load_pretrained(path)
        restored = rim_tf.restore(model, observation, blur, sigma=0.1)
        for forward_model in (blur, BicubicDownsampling(2), Denoising()):
            check_adjoint(forward_model, (2, 8, 6, 3))
    finally:
        keras.config.set_image_data_format(usual)
    np.testing.assert_array_equal(restored, expected)


@pytest.mark.parametrize("name", pretrained.available())
def test_shipped_networks_meet_their_own_operators_as_they_are(name):
    """So that no number of the tables depends on the scale that is taken out."""
    described = json.loads((pretrained.WEIGHTS_FOLDER / f"{name}.json").read_text())
    normalize = described["architecture"].get("normalize", True)
    assert normalize == (name != "rim_super_resolution")
    if normalize:
        for model in (
            Denoising(),
            FourierProjection.random((8, 8), 0.5),
            RandomProjection.gaussian(8, 0.5),
            RandomProjection.binary(8, 0.5),
        ):
            assert model.norm == 1


def test_whether_the_scale_is_taken_out_is_kept(path, tmp_path):
    rim = rim_tf.load_pretrained(path)
    assert rim.normalize
    rim.normalize = False
    pretrained.save_pretrained(rim, tmp_path / "bare.weights.h5", {})
    assert not rim_tf.load_pretrained(tmp_path / "bare.weights.h5").normalize
