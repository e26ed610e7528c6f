import random
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from stage2_fixtures import fixture

from railyard.stage2.objective.schedule import exact, is_channel_b, rollout_seed

STEPS = np.arange(10_000)
SEEDS = fixture("18")


def letters(b_ratio, count):
    return "".join("AB"[is_channel_b(step, b_ratio)] for step in range(count))


@pytest.mark.parametrize("case", fixture("01")["cases"], ids=lambda case: str(case["b_ratio"]))
def test_channels_are_those_of_the_cases(case):
    b_ratio = case["b_ratio"]
    assert letters(b_ratio, 60) == case["first_60"]
    chosen = is_channel_b(np.arange(1000), b_ratio)
    assert int(chosen.sum()) == case["b_steps_in_first_1000"]
    assert (int(chosen.argmax()) if chosen.any() else -1) == case["first_B_step"]


def test_logged_steps_are_those_of_the_trap():
    trap = fixture("01")["logging_alias_trap"]
    logged = [0, *range(9, 50, 10)]
    assert ["AB"[is_channel_b(step, trap["b_ratio"])] for step in logged] == trap["channels"]


def test_half_alternates():
    assert letters(0.5, 4) == "ABAB"


def test_none_and_all():
    assert not is_channel_b(STEPS, 0.0).any()
    assert is_channel_b(STEPS, 1.0).all()


def test_the_channel_of_a_step_depends_on_nothing_before_it():
    through = letters(0.3, 40)
    assert "".join("AB"[is_channel_b(step, 0.3)] for step in (39, 17, 17, 0)) == "".join(
        through[step] for step in (39, 17, 17, 0)
    )


@pytest.mark.parametrize(("b_ratio", "p", "q"), [(0.7, 7, 10), (0.29, 29, 100), (0.3333333333333333, 1, 3)])
def test_decimals_lose_no_step_to_binary_rounding(b_ratio, p, q):
    assert exact(b_ratio) == Fraction(p, q)
    chosen = is_channel_b(STEPS, b_ratio)
    assert np.array_equal(chosen, (STEPS + 1) * p // q > STEPS * p // q)
    assert chosen[: q * 9].sum() == p * 9
    doubles = np.array([floor((s + 1) * b_ratio) > floor(s * b_ratio) for s in range(10_000)])
    assert b_ratio == 1 / 3 or not np.array_equal(chosen, doubles)


def check_ratios(count, seed):
    """Ratios p/q as the doubles a config holds, against p and q themselves; the scalar form at some steps."""
    draw = random.Random(seed)
    for _ in range(count):
        q = draw.randint(1, 10**6)
        p = draw.randint(0, q)
        expected = np.diff(np.arange(10_001) * p // q) > 0
        np.testing.assert_array_equal(is_channel_b(STEPS, p / q), expected)
        steps = draw.sample(range(10_000), 20)
        assert [is_channel_b(step, p / q) for step in steps] == expected[steps].tolist()


def test_ratios_are_exact():
    check_ratios(300, seed=1)


@pytest.mark.slow
def test_ten_thousand_ratios_are_exact():
    check_ratios(10_000, seed=2)


def test_late_steps_do_not_overflow():
    late = 9 * 10**12
    chosen = is_channel_b(np.array([late, late + 1]), 999_999 / 10**6)
    assert chosen.tolist() == [is_channel_b(late, 0.999999), is_channel_b(late + 1, 0.999999)]


@pytest.mark.parametrize("case", SEEDS["cases"], ids=lambda case: str(case["step"]))
def test_the_first_sample_has_the_seed_of_the_cases(case):
    assert rollout_seed(SEEDS["seed"], case["step"], 0) == case["seed_base"]


def test_samples_and_steps_have_seeds_of_their_own():
    seeds = [rollout_seed(17, step, index) for step in range(200) for index in range(64)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in (*seeds, rollout_seed(2**40, 10**9, 10**6)))
    assert rollout_seed(3, 2, 1) == 3 + 2 * 1000003 + 1
