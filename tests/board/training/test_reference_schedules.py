"""Schedules against the reference's multipliers, and what holds of any of them."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from railyard.board.training.schedules import Constant, Cosine, WarmupStableDecay

REFERENCE = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "09_lr_schedule.json").read_text())
OURS = {
    "constant": Constant(),
    "cosine": Cosine(warmup_steps=10, min_ratio=0.1),
    "wsd_cooldown_pct": WarmupStableDecay(warmup_steps=10, cooldown_pct=0.1, min_ratio=0.1),
    "wsd_decay_steps": WarmupStableDecay(warmup_steps=10, decay_steps=30, min_ratio=0.2),
}
steps = st.integers(0, 40)
ratios = st.floats(0, 1)
schedules = st.one_of(
    st.builds(Cosine, warmup_steps=steps, min_ratio=ratios, grow_batch=st.booleans()),
    st.builds(WarmupStableDecay, warmup_steps=steps, decay_steps=steps, min_ratio=ratios),
    st.builds(WarmupStableDecay, warmup_steps=steps, cooldown_pct=ratios, min_ratio=ratios),
)


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_multipliers(name):
    case = REFERENCE[name]
    found = [OURS[name].multiplier(step, case["total"]) for step in case["step"]]
    assert found == pytest.approx(case["scale"], rel=1e-12)


@given(schedules, st.integers(1, 60))
def test_up_then_down_and_never_beyond_the_base_rate(schedule, total):
    rates = [schedule.multiplier(step, total) for step in range(total + 5)]
    assert all(-1e-12 <= rate <= 1 + 1e-12 for rate in rates)
    after = rates[schedule.warmup_steps :]
    assert all(a >= b - 1e-12 for a, b in pairwise(after))


def test_a_decay_longer_than_the_run_begins_after_the_warm_up():
    schedule = WarmupStableDecay(warmup_steps=2, decay_steps=100)
    assert [round(schedule.multiplier(step, 6), 3) for step in range(7)] == [0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


@pytest.mark.parametrize("lengths", [{}, {"decay_steps": 3, "cooldown_pct": 0.1}])
def test_a_decay_has_one_length(lengths):
    with pytest.raises(ValidationError, match="exactly one of decay_steps and cooldown_pct"):
        WarmupStableDecay(**lengths)


def test_the_batch_grows_as_the_rate_falls():
    schedule = Cosine(warmup_steps=10, grow_batch=True)
    for step in range(120):
        rate = schedule.multiplier(step, 100)
        expected = 1 if step < 10 or rate > 0.5 else 2 if rate > 0.25 else 4
        assert schedule.accumulation(step, 100) == expected
    assert {schedule.accumulation(step, 100) for step in range(100)} == {1, 2, 4}
    assert {Cosine(warmup_steps=10).accumulation(step, 100) for step in range(100)} == {1}
