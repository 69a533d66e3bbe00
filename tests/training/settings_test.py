"""Tests of the settings of a training."""

import pytest

from rim_tf import losses
from rim_tf.training.settings import (
    LOSSES,
    TrainingError,
    TrainingSettings,
    parse_steps_schedule,
)


@pytest.mark.parametrize(
    ("epochs", "num_patches", "expected"), [(1, 8, 1), (1, 15, 1), (2, 4, 1), (3, 8, 3)]
)
def test_updates_are_what_fills_a_batch(epochs, num_patches, expected):
    settings = TrainingSettings(epochs=epochs, batch_size=8)
    assert settings.num_updates(num_patches) == expected


def test_refuses_fewer_patches_than_a_batch():
    settings = TrainingSettings(epochs=1, batch_size=8)
    with pytest.raises(TrainingError, match="1 x 7 patches do not fill a batch of 8"):
        settings.num_updates(7)


def test_every_loss_is_one():
    assert len({losses.get(name) for name in LOSSES}) == len(LOSSES) == 2


def test_parse():
    assert parse_steps_schedule("20") == [(20, 1.0)]
    assert parse_steps_schedule("5:0.4,10:0.3,20:0.3") == [
        (5, 0.4),
        (10, 0.3),
        (20, 0.3),
    ]


@pytest.mark.parametrize("text", ["", "a", "5:0.4", "5:0.5,0:0.5", "5:x", "5:-1,10:2"])
def test_parse_refuses(text):
    with pytest.raises(ValueError, match=r"schedule of steps|shares"):
        parse_steps_schedule(text)
