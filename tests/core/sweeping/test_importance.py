"""Shares of a formula whose parameters are known to matter, or not."""

import pytest
from sweeps import LOSS, SPACE, sweep

from railyard.core.sweeping.importance import LEAST, shares
from railyard.core.sweeping.points import points

pytest.importorskip("optuna")
pytest.importorskip("sklearn")


@pytest.mark.slow
def test_what_matters_comes_first_and_what_does_not_is_near_nothing():
    found = shares(points(SPACE, sweep(40), (LOSS,)))
    assert next(iter(found)) == "model.optimizer.lr"
    assert found["model.optimizer.lr"].share > 0.8
    assert found["model.width"].share < 0.1
    assert sum(share.share for share in found.values()) == pytest.approx(1.0)
    for share in found.values():
        assert 0 <= share.low <= share.high <= 1


@pytest.mark.slow
def test_the_same_trials_give_the_same_shares():
    made = points(SPACE, sweep(LEAST + 2), (LOSS,))
    assert shares(made) == shares(made)


def test_nothing_to_tell():
    assert shares(points(SPACE, sweep(LEAST + 1), (LOSS,))) == {}  # one is pruned, one failed
    assert shares(points(SPACE[:1], sweep(20), (LOSS,))) == {}
