"""Tests of the schedules of T and of the learning rate."""

import keras
import numpy as np
import pytest

from rim_tf.training.schedules import (
    Phase,
    WarmupCosine,
    computation,
    plan_phases,
    plan_rounds,
)


def test_shares_are_of_the_computation():
    phases = plan_phases([(5, 0.4), (10, 0.3), (20, 0.3)], 1000)
    assert sum(phase.num_updates for phase in phases) == 1000
    assert [phase.first_update for phase in phases] == [0, 640, 880]
    shares = [computation([phase]) / computation(phases) for phase in phases]
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.3], atol=0.01)


def test_phases_without_an_update_are_left_out():
    assert plan_phases([(5, 0.5), (20, 0.5)], 1) == [Phase(5, 0, 1)]


def test_computation_counts_steps():
    phases = [Phase(5, 0, 4), Phase(20, 4, 3)]
    assert [computation(phases, n) for n in (0, 3, 4, 6, 7)] == [0, 15, 20, 60, 80]
    assert computation(phases) == 80


def test_rounds_divide_the_computation():
    phases = [Phase(5, 0, 640), Phase(20, 640, 160)]
    rounds = plan_rounds(phases, 8)
    assert sum(r.num_updates for r in rounds) == 800
    assert [r.first_update for r in rounds] == [0, 160, 320, 480, 640, 680, 720, 760]
    assert {r.num_steps * r.num_updates for r in rounds} == {800}
    assert plan_rounds([Phase(5, 0, 2)], 8) == [Phase(5, 0, 1), Phase(5, 1, 1)]


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
