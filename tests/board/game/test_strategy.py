"""Strategies against the reference's moves, in whole batches; draws by chi-squared tests of fixed seeds."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from railyard.board.game.strategy import Argmax, Softmax, Strategy, TailAgg, TailAggConf, TopPTopK
from railyard.core.config.check import check_config
from railyard.core.config.component import Component
from railyard.core.config.conf_folders import options
from railyard.core.store.reading import read_yaml

ROOT = Path(__file__).parents[3]
CASES = json.loads((ROOT / "tests/fixtures/board/11_strategies.json").read_text())["cases"]
KINDS = {kind.__name__: kind for kind in (Argmax, Softmax, TopPTopK, TailAgg, TailAggConf)}
NONE = 255
EXCEEDED_ONCE_IN_10_000 = {1: 15.1, 2: 18.4, 3: 21.1}  # chi-squared, by degrees of freedom

heads = hnp.arrays(
    np.float32, st.tuples(st.just(20), st.just(4), st.integers(1, 5)), elements=st.floats(0, 1, width=32)
)


def choose(strategy, heads_4N, legal, draws=1, moves=None):
    """Moves for the same board in `draws` games, of seeds 0, 1, …"""
    heads_BHN = np.repeat(np.array(heads_4N, np.float32)[None], draws, axis=0)
    bits = sum(int(is_legal) << move for move, is_legal in enumerate(legal))
    moves_B = np.arange(draws) if moves is None else np.array(moves)
    return strategy.choose(
        heads_BHN, np.full(draws, bits, np.uint8), np.arange(draws, dtype=np.uint64), moves_B.astype(np.uint32)
    )


def counts(chosen):
    return [*np.bincount(chosen[chosen != NONE], minlength=4).tolist(), int((chosen == NONE).sum())]


def told_apart(ours, theirs):
    """Whether two counts of equal sums are of different distributions: chi-squared, once in 10,000 wrongly."""
    ours, theirs = np.array([pair for pair in zip(ours, theirs, strict=True) if sum(pair)]).T
    statistic = ((ours - theirs) ** 2 / (ours + theirs)).sum()
    return len(ours) > 1 and statistic > EXCEEDED_ONCE_IN_10_000[len(ours) - 1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case["sampling"].values())))
def test_the_reference_s_moves(case):
    knobs = {name: value for name, value in case["sampling"].items() if name != "strategy"}
    strategy = KINDS[case["sampling"]["strategy"]](**knobs)
    found = counts(choose(strategy, case["bins"], case["legal"], case["draws"]))
    if case["draws"] == 1:
        assert found == case["counts"]
    else:
        assert [bool(count) for count in found] == [bool(count) for count in case["counts"]]
        assert not told_apart(found, case["counts"])


def test_the_comparison_of_draws_can_fail():
    softmax, sharper = (
        choose(Softmax(temperature=heat), CASES[0]["bins"], [1, 1, 1, 1], 20_000) for heat in (1.0, 0.5)
    )
    assert told_apart(counts(sharper), counts(softmax))


def slow_tail(row):
    return [move[-1] + move[-2] if len(move) > 1 else move[-1] for move in row]


def slow_agg(knobs, row):
    weights = [knobs.alpha_p2, knobs.beta_p3]
    if knobs.tail_bins:
        weights = [knobs.tail_decay**place for place in range(knobs.tail_bins)]
    return [move[-1] + sum(w * p for w, p in zip(weights, move[-2::-1], strict=False)) for move in row]


def slow_conf(knobs, row):
    if len(row[0]) == 1:
        return slow_tail(row)
    falls = [(1 + knobs.conf_beta * max(move[-1] - move[-2], 0)) ** knobs.conf_gamma for move in row]
    return [move[-1] + knobs.conf_alpha / fall * move[-2] for move, fall in zip(row, falls, strict=True)]


@given(heads, st.integers(1, 15), st.integers(0, 4), st.floats(0, 2), st.floats(0, 1))
def test_scores_against_plain_python(heads_BHN, legal, bins, alpha, decay):
    agg = TailAgg(alpha_p2=alpha, beta_p3=alpha / 3, tail_bins=bins, tail_decay=decay)
    conf = TailAggConf(conf_alpha=alpha, conf_beta=10 * decay, conf_gamma=decay)
    plain = heads_BHN.astype(float).tolist()
    bits, none = np.full(20, legal, np.uint8), np.zeros(20, np.uint64)
    for strategy, slow in ((Argmax(), slow_tail), (agg, partial(slow_agg, agg)), (conf, partial(slow_conf, conf))):
        chosen = strategy.choose(heads_BHN, bits, none, none.astype(np.uint32))
        for move, row in zip(chosen, plain, strict=True):
            scores = slow(row)
            best = max(score for way, score in enumerate(scores) if legal >> way & 1)
            assert legal >> move & 1
            assert scores[move] == pytest.approx(best, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("strategy", [kind() for kind in KINDS.values()], ids=[*KINDS])
def test_of_equal_moves_the_first_legal_one_or_an_even_draw(strategy):
    chosen = choose(strategy, [[0.25, 0.25]] * 4, [0, 1, 1, 1], 3000)
    if isinstance(strategy, Softmax):
        among = 2 if isinstance(strategy, TopPTopK) else 3
        assert not told_apart(counts(chosen), [0, *([3000 // among] * among), *([0] * (4 - among))])
    else:
        assert counts(chosen) == [0, 3000, 0, 0, 0]


@pytest.mark.parametrize("strategy", [kind() for kind in KINDS.values()], ids=[*KINDS])
def test_no_legal_head(strategy):
    expected = 0 if isinstance(strategy, Argmax) else NONE  # the reference's Argmax takes an illegal one
    assert choose(strategy, [[0.25, 0.25]] * 4, [0, 0, 0, 0], 3).tolist() == [expected] * 3


@pytest.mark.parametrize("strategy", [kind() for kind in KINDS.values()], ids=[*KINDS])
def test_what_is_no_number_is_never_chosen(strategy):
    nan = float("nan")
    assert choose(strategy, [[nan, nan]] * 4, [1, 1, 1, 1]).tolist() == [NONE]
    assert choose(strategy, [[nan, nan], [0.1, 0.2], [nan, 0.3], [0.3, nan]], [1, 1, 1, 1]).tolist() == [1]


@pytest.mark.parametrize("strategy", [Argmax(), Softmax(temperature=0.01), TopPTopK(top_k=1)])
def test_a_policy_over_the_moves_is_one_bin_a_move(strategy):
    assert choose(strategy, [[0.1], [0.2], [0.4], [0.3]], [1, 1, 0, 1], 5).tolist() == [3] * 5
    assert not strategy.weighs_bins


def test_which_strategies_a_policy_over_the_moves_is_nothing_for():
    assert {name for name, kind in KINDS.items() if kind.weighs_bins} == {"TailAgg", "TailAggConf"}


def test_weights_that_are_all_nothing_are_drawn_evenly():
    assert not told_apart(counts(choose(Softmax(), [[0.0, 0.0]] * 4, [1, 0, 1, 1], 3000)), [1000, 0, 1000, 1000, 0])


def test_a_small_temperature_does_not_underflow():
    bins = [[0.0, 1e-30], [0.0, 2e-30], [0.0, 3e-30], [0.0, 1e-30]]
    assert choose(Softmax(temperature=1e-3), bins, [1, 1, 1, 1], 50).tolist() == [2] * 50


def test_gates_are_counts_of_moves_and_argmax_plays_outside():
    gated = TailAgg(alpha_p2=0.0, start_gate=2, stop_gate=4)
    bins = [[0.9, 0.1], [0.0, 0.2], [0.0, 0.0], [0.0, 0.0]]  # most of p1 + p2: up; most p1: down
    assert choose(gated, bins, [1, 1, 1, 1], 6, moves=range(6)).tolist() == [0, 0, 1, 1, 0, 0]
    assert choose(TailAgg(alpha_p2=0.0, start_gate=2), bins, [1, 1, 1, 1], 6, moves=range(6)).tolist() == [
        0,
        0,
        *[1] * 4,
    ]


def test_draws_depend_on_seed_and_move_alone():
    alone = choose(Softmax(), CASES[0]["bins"], [1, 1, 1, 1], 100)
    moves = [choose(Softmax(), CASES[0]["bins"], [1, 1, 1, 1], 1, moves=[move])[0] for move in range(100)]
    assert (choose(Softmax(), CASES[0]["bins"], [1, 1, 1, 1], 200)[:100] == alone).all()
    assert len(set(moves)) == 4  # one game draws anew at each move


@pytest.mark.parametrize(
    ("kind", "knobs", "words"),
    [
        ("softmax", {"temperature": 0.0}, "temperature"),
        ("softmax", {"temperature": float("nan")}, "temperature"),
        ("top_p_top_k", {"top_p": 0.0}, "top_p"),
        ("top_p_top_k", {"top_p": 1.5}, "top_p"),
        ("top_p_top_k", {"top_k": 0}, "top_k"),
        ("top_p_top_k", {"top_k": 5}, "top_k"),
        ("tail_agg", {"alpha_p2": -0.1}, "alpha_p2"),
        ("tail_agg", {"beta_p3": float("inf")}, "beta_p3"),
        ("tail_agg", {"tail_bins": -1}, "tail_bins"),
        ("tail_agg", {"tail_decay": 1.5}, "tail_decay"),
        ("tail_agg_conf", {"conf_alpha": -1.0}, "conf_alpha"),
        ("tail_agg_conf", {"conf_beta": -1.0}, "conf_beta"),
        ("tail_agg_conf", {"conf_gamma": -1.0}, "conf_gamma"),
        ("top_score", {"start_gate": -1}, "start_gate"),
        ("top_score", {"start_gate": 5, "stop_gate": 5}, "must be larger than start_gate"),
        ("argmax", {"start_gate": 5}, "start_gate"),
    ],
)
def test_what_the_reference_replaces_by_its_default_is_refused(kind, knobs, words):
    class Root(Component):
        strategy: Strategy

    option = read_yaml(ROOT / f"conf/strategy/board_{kind}.yaml")
    assert not check_config(Root, {"strategy": option})[1]
    _, faults = check_config(Root, {"strategy": {**option, **knobs}})
    assert words in " ".join(f"{fault.key} {fault}" for fault in faults)


def test_the_options():
    assert options("strategy") == [
        f"board_{name}" for name in ("argmax", "softmax", "tail_agg", "tail_agg_conf", "top_p_top_k", "top_score")
    ]
