import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.review import accuracy
from railyard.board.review.accuracy import JUDGEMENTS, Rows, Scales, accuracies, by_run, shipped

LOSSES = st.one_of(st.just(np.nan), st.floats(0, 1e6, width=32), st.just(0.0))
SCALES = Scales({"search": {3: 10.0, 6: 40.0}, "tuple11": {11: 2.0}, "tuple10": {10: 3.0}})


def plain(loss, scale):
    if np.isnan(loss):
        return None, None
    found = 100 * np.exp(-np.float64(loss) / scale)
    if loss == 0:
        return found, "best"
    bounds = [("good", 90), ("inaccuracy", 70), ("mistake", 40), ("blunder", -1)]
    return found, next(name for name, least in bounds if found >= least)


@given(st.lists(LOSSES, min_size=1, max_size=20), st.integers(0, 16), st.integers(0, 2))
def test_accuracy_and_judgement_as_defined(losses, rank, kind):
    scales_VR = SCALES.of(["search", "tuple11", "tuple10"])
    loss_N = np.array(losses, np.float32)
    found_N, said_N = accuracies(
        loss_N, np.full(len(losses), kind, np.uint8), np.full(len(losses), rank, np.float32), scales_VR
    )
    for loss, found, said in zip(loss_N, found_N, said_N, strict=True):
        wanted, name = plain(loss, scales_VR[kind, rank])
        if wanted is None:
            assert np.isnan(found)
            assert said == accuracy.UNKNOWN
        else:
            assert found == pytest.approx(wanted, rel=1e-6)
            assert JUDGEMENTS[said] == name


def test_where_one_judgement_ends_and_the_next_begins():
    bounds = [90.01, 89.99, 70.01, 69.99, 40.01, 39.99]
    loss_N = (-10 * np.log(np.array(bounds) / 100)).astype(np.float32)
    said = accuracies(loss_N, np.zeros(6, np.uint8), np.full(6, 3, np.float32), SCALES.of(["search"]))[1]
    assert [JUDGEMENTS[place] for place in said] == [
        *("good", "inaccuracy", "inaccuracy"),
        *("mistake", "mistake", "blunder"),
    ]


def test_tiles_without_a_scale_take_the_nearest_one():
    assert SCALES.of(["search"])[0].tolist() == [10.0] * 5 + [40.0] * 12


def test_own_tables_and_unknown_names_are_chances():
    assert SCALES.of(["table10"]).tolist() == SCALES.of(["tuple10"]).tolist()
    assert SCALES.of(["table11"]).tolist() == SCALES.of(["tuple11"]).tolist() == SCALES.of(["new"]).tolist()


def test_the_shipped_scales():
    found = shipped().by_name
    assert set(found) == {"search", "tuple11", "tuple10"}
    assert all(scale > 0 for scales in found.values() for scale in scales.values())
    assert found["search"][11] == pytest.approx(372, rel=0.05)
    losses = np.array([0, 1, 100, 300, 1000], np.float32)
    said = accuracies(losses, np.zeros(5, np.uint8), np.full(5, 11, np.float32), shipped().of(["search"]))[1]
    assert [JUDGEMENTS[place] for place in said] == ["best", "good", "inaccuracy", "mistake", "blunder"]


RUNS = st.lists(st.tuples(st.integers(0, 3), LOSSES, LOSSES), min_size=1, max_size=40)


@given(RUNS, st.integers(1, 9))
def test_runs_as_one_by_one(moves, chunk):
    run_N = np.array([run for run, *_ in moves])
    columns = [np.array([move[kind] for move in moves], np.float32) for kind in (1, 2)]
    rank_N, kind_N = np.full(len(moves), 6, np.float32), np.zeros(len(moves), np.uint8)
    scales_VR = SCALES.of(["search"])

    def rows():
        for at in range(0, len(moves), chunk):
            part = slice(at, at + chunk)
            yield Rows(run_N[part], kind_N[part], rank_N[part], [column[part] for column in columns])

    done = []
    for judged, column in zip(by_run(rows(), 4, 2, scales_VR, done.append), columns, strict=True):
        for run in range(4):
            known = [plain(loss, 40.0) for loss in column[run_N == run] if not np.isnan(loss)]
            assert judged.counts_RJ[run].tolist() == [sum(said == name for _, said in known) for name in JUDGEMENTS]
            if known:
                assert judged.accuracy_R[run] == pytest.approx(np.mean([found for found, _ in known]))
            else:
                assert np.isnan(judged.accuracy_R[run])
    assert done[-1] == len(moves)
