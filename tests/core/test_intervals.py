"""Intervals against a bootstrap, against numbers from elsewhere, and by their coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.intervals import bootstrap_interval, normal_interval, wilson_interval


@pytest.mark.parametrize(("games", "seed"), [(100, 0), (400, 1), (3000, 2)])
def test_the_normal_interval_is_as_wide_as_the_bootstrap_s(games, seed):
    scores = np.random.default_rng(seed).lognormal(11, 0.6, games).astype(np.int64)
    (low, high), (other_low, other_high) = normal_interval(scores), bootstrap_interval(scores)
    assert high - low == pytest.approx(other_high - other_low, rel=0.05)
    assert (low, high) == pytest.approx((other_low, other_high), rel=0.02)


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    random = np.random.default_rng(4)
    intervals = [normal_interval(random.exponential(1000, 200).astype(np.int64)) for _ in range(2000)]
    covered = np.mean([low <= 999.5 <= high for low, high in intervals])
    assert 0.93 < covered < 0.965


def test_of_one_game_the_interval_is_its_score():
    assert normal_interval(np.array([512])) == (512, 512)
    assert bootstrap_interval(np.array([512])) == (512, 512)


@pytest.mark.parametrize(
    ("count", "games", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_s_interval(count, games, low, high):
    """Examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson_interval(count, games) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 10_000), st.data())
def test_wilson_s_interval_holds_the_share(games, data):
    count = data.draw(st.integers(0, games))
    low, high = wilson_interval(count, games)
    assert 0 <= low <= count / games + 1e-12
    assert count / games - 1e-12 <= high <= 1
