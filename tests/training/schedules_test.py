"""Tests of the schedules of T and of the learning rate."""

import keras
import numpy as np
import pytest

from rim_tf.training.schedules import (
    Phase,
    WarmupCosine,
    parse_steps_schedule,
    plan_phases,
)


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


def test_shares_are_of_the_computation():
    phases = plan_phases([(5, 0.4), (10, 0.3), (20, 0.3)], 1000)
    assert sum(phase.num_updates for phase in phases) == 1000
    assert [phase.first_update for phase in phases] == [0, 640, 880]
    computation = np.array([phase.num_steps * phase.num_updates for phase in phases])
    np.testing.assert_allclose(
        computation / computation.sum(), [0.4, 0.3, 0.3], atol=0.01
    )


def test_plain_cosine_with_warmup():
    schedule = WarmupCosine(0.1, 10, [Phase(20, 0, 100)])
    values = [float(schedule(update)) for update in range(101)]
    assert values[0] == pytest.approx(0.01, rel=1e-3)
    assert np.argmax(values) == 9
    assert values[50] == pytest.approx(0.05, rel=1e-5)
    assert values[100] == pytest.approx(0.0, abs=1e-9)


def test_cosine_follows_the_computation():
    phases = plan_phases([(5, 0.5), (20, 0.5)], 1000)
    schedule = WarmupCosine(1.0, 0, phases)
    # Half of the computation is done when the first phase ends.
    assert float(schedule(phases[1].first_update)) == pytest.approx(0.5, abs=1e-3)


def test_config_round_trip():
    schedule = WarmupCosine(0.1, 10, [Phase(5, 0, 60), Phase(20, 60, 40)])
    config = keras.optimizers.schedules.serialize(schedule)
    copy = keras.optimizers.schedules.deserialize(config)
    assert float(copy(70)) == float(schedule(70))
