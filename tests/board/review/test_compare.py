import math

import numpy as np
import pytest
from annotators import annotate, facts
from review_sessions import columns_of, opened, two_sessions

from railyard.board.review import compare as comparing
from railyard.board.review.compare import GROUPS, compare, sieves
from railyard.board.review.problems import BadRequest
from railyard.board.review.search import Query, search, searchable


@pytest.fixture(scope="module")
def sessions(tiny_pack, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    two_sessions(tiny_pack, out)
    return opened(out)


@pytest.fixture(scope="module")
def pair(sessions):
    return sessions["fake"], sessions["other"]


def test_groups_are_counted_as_numpy_counts_them(pair):
    one, two = (columns_of(session)["disagreement"] for session in pair)
    found = compare(*pair)
    assert found.rows == len(one)
    assert found.groups == {
        "fixed": ((one == 1) & (two == 0)).sum(),
        "broken": ((one == 0) & (two == 1)).sum(),
        "right": ((one == 0) & (two == 0)).sum(),
        "wrong": ((one == 1) & (two == 1)).sum(),
    }
    assert found.unknown == (np.isnan(one) | np.isnan(two)).sum()
    assert min(found.groups.values()) > 0


def test_each_group_can_be_searched(pair):
    one, two = (columns_of(session)["disagreement"] for session in pair)
    for group, (first, second) in GROUPS.items():
        page = search(searchable(pair[0]), Query("max_rank>=5"), 1000, None, sieves(*pair, group))
        wanted = np.flatnonzero((one == first) & (two == second) & (columns_of(pair[0])["max_rank"] >= 5))
        assert page.rows.tolist() == wanted[:1000].tolist()
        assert page.total == len(wanted)
    with pytest.raises(BadRequest, match="group=mended is none: take fixed, broken, right, wrong"):
        sieves(*pair, "mended")


def plain_divergence(one, two):
    one, two = one.astype(np.float64), np.maximum(two.astype(np.float64), comparing.TINY)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(one == 0, 0, one * np.log(one / two))
    return terms.sum(axis=2).mean(axis=1)


def test_models_with_other_bins_are_compared_by_their_policies(pair):
    rows = np.arange(len(pair[0]))
    policies = []
    for session in pair:
        mass = session.annotated.annotations.gather(rows)["policy_p1"]
        policies.append((mass / mass.sum(axis=1, keepdims=True))[:, None, :])
    found = compare(*pair).divergence
    assert (found.of, found.rows) == ("policies", len(rows))
    assert found.mean == pytest.approx(plain_divergence(*policies).mean(), rel=1e-5)
    assert found.mean > 0
    assert compare(pair[0], pair[0]).divergence.mean == pytest.approx(0, abs=1e-6)


def test_models_of_one_tokenizer_are_compared_by_their_bins(pair, monkeypatch):
    monkeypatch.setattr(comparing, "_same_tokens", lambda first, second: True)
    found = compare(pair[0], pair[0]).divergence
    assert (found.of, found.mean) == ("bins", pytest.approx(0, abs=1e-9))
    rows = np.arange(0, len(pair[0]), 2)
    one = pair[0].student.gather(rows)
    reader = comparing._bins(pair[0])
    assert np.array_equal(reader(rows), one)
    two = np.roll(one, 1, axis=0)
    total, count = comparing._divergence(one, np.ascontiguousarray(two))
    assert count == len(rows)
    assert total / count == pytest.approx(plain_divergence(one, two).mean(), rel=1e-6)


def test_long_sessions_are_sampled_evenly(pair, monkeypatch):
    monkeypatch.setattr(comparing, "MOST_ROWS", 100)
    found = compare(*pair).divergence
    assert found.rows == 100
    assert math.isfinite(found.mean)


def test_sessions_without_distributions(tiny_pack, tmp_path):
    annotate(tiny_pack, tmp_path, facts(), products=[{"name": "metrics"}], limit=200)
    session = opened(tmp_path)["fake"]
    found = compare(session, session)
    assert found.divergence is None
    assert found.groups["fixed"] == found.groups["broken"] == 0
    assert found.rows == 200


def test_what_is_said_differently(pair):
    found = compare(*pair).provenance
    assert found["tag"] == ("fake", "other")
    assert found["model_hash"][0] != found["model_hash"][1]
    assert "code_version" not in found


def test_sessions_of_other_pools(pair, fixtures, tmp_path):
    annotate(fixtures / "03_pack", tmp_path, facts())
    (other,) = opened(tmp_path).values()
    with pytest.raises(BadRequest, match="are of different pools"):
        compare(pair[0], other)
