import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.annotation.definitions import judge
from railyard.board.annotation.pool import Batch

EVS = st.sampled_from([0.0, 0.25, 0.5, 0.9, -3.5])
MASS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])


@st.composite
def row(draw):
    """One row, with what the model says of it in two bins a move."""
    p1 = [draw(MASS) for _ in range(4)]
    return {
        "legal": draw(st.integers(0, 15)),
        "stored": draw(st.integers(0, 15)),
        "teacher": draw(st.sampled_from([0, 1, 2, 3, 255])),
        "played": draw(st.sampled_from([0, 1, 2, 3, 255])),
        "evs": [draw(EVS) for _ in range(4)],
        "is_search": draw(st.booleans()),
        "bins": [[1 - p, p] for p in p1],
        "rank": draw(st.integers(1, 16)),
    }


def batch_of(rows):
    column = lambda name, dtype: np.array([row[name] for row in rows], dtype)  # noqa: E731
    boards = np.zeros((len(rows), 16), np.uint8)
    boards[:, 3] = column("rank", np.uint8)
    return Batch(
        0,
        np.zeros(len(rows), np.uint64),
        np.arange(len(rows), dtype=np.uint32),
        boards,
        column("legal", np.uint8),
        column("stored", np.uint8),
        column("teacher", np.uint8),
        column("played", np.uint8),
        column("evs", np.float32),
        column("is_search", np.bool_),
    )


def oracle(row):
    """Each definition for one row, as the contract has it."""
    p1 = [np.float32(bins[-1]) for bins in row["bins"]]
    evs = [float(np.float32(ev)) for ev in row["evs"]]
    legal = [move for move in range(4) if row["legal"] >> move & 1]
    known = [move for move in legal if row["stored"] >> move & 1]
    action = row["teacher"] if row["teacher"] != 255 else row["played"]
    top = max(legal, key=lambda move: (p1[move], -move), default=255)
    best = max(known, key=lambda move: (evs[move], -move), default=255)
    is_goal = not row["is_search"] and action in known and evs[action] == 0 and evs[best] > 0
    best = action if is_goal else best

    def loss(move):
        if best == 255 or move not in known or (is_goal and move != best):
            return math.nan
        return 0.0 if is_goal else 1000 * (evs[best] - evs[move])

    def log(p):
        return math.log(p) if p > 0 else -math.inf

    gap = math.nan if 255 in (top, action) else log(p1[top]) - log(p1[action])
    differs = math.nan if 255 in (top, action) else float(top != action)
    worth_less = math.nan if math.isnan(loss(top)) else float(loss(top) > 0)
    if is_goal and top != 255:
        worth_less = float(top != best)
    heads = [[float(np.float32(p)) for p in bins] for bins in row["bins"]]
    entropy = sum(-p * math.log(p) for head in heads for p in head if p > 0) / 4
    prob = math.nan if top == 255 else p1[top]
    numbers = (prob, gap, loss(top), loss(row["played"]), differs, worth_less, row["rank"], entropy)
    return (top, action, int(bool(known)), best), numbers


@given(st.lists(row(), min_size=1, max_size=20))
def test_every_definition_as_row_by_row(rows):
    found = judge(batch_of(rows), np.array([row["bins"] for row in rows], np.float32))
    for place, row in enumerate(rows):
        moves, numbers = oracle(row)
        assert tuple(int(part[place]) for part in (found.top_B, found.action_B, found.has_evs_B, found.best_B)) == moves
        said = (found.top_prob_B, found.gap_B, found.ev_loss_B, found.played_loss_B, found.disagreement_B)
        rest = (found.ev_disagreement_B, found.max_rank_B, found.entropy_B)
        np.testing.assert_allclose([part[place] for part in (*said, *rest)], numbers, rtol=1e-6)


def test_an_action_policy_has_one_entropy():
    row = {"legal": 15, "stored": 0, "teacher": 255, "played": 1, "evs": [0] * 4, "is_search": False, "rank": 1}
    found = judge(batch_of([row]), np.full((1, 4, 1), 0.25, np.float32))
    assert found.entropy_B[0] == np.float32(math.log(4))
    assert (found.top_B[0], found.disagreement_B[0], found.has_evs_B[0]) == (0, 1, 0)
    assert np.isnan([found.ev_loss_B[0], found.ev_disagreement_B[0]]).all()
