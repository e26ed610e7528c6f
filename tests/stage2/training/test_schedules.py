"""Rates over a run."""

import pytest

from railyard.stage2.training.schedules import Constant, OneCycle


def test_a_constant_rate():
    assert [Constant().multiplier(step, 10) for step in (0, 9)] == [1.0, 1.0]


def test_one_cycle_rises_to_the_base_rate_and_falls_to_its_end():
    schedule = OneCycle(warmup=0.25, min_ratio=0.1)
    found = [schedule.multiplier(step, 40) for step in range(40)]
    assert found[9] == pytest.approx(1.0) == max(found)
    assert found[:10] == sorted(found[:10])
    assert found[9:] == sorted(found[9:], reverse=True)
    assert found[-1] == pytest.approx(0.1)
    assert min(found) >= 0.1
    assert schedule.multiplier(60, 40) == pytest.approx(0.1)


def test_without_a_rise_it_begins_at_the_top():
    assert OneCycle(warmup=0.0).multiplier(0, 1000) == pytest.approx(1.0, abs=1e-5)
