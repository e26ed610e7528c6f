"""The compiled rule against plain Python, over rows drawn to sit on its thresholds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.packs.schema import STEP
from railyard.board.tokens.macroxue import MacroxueTokenizer

NAMES = ("search", "tuple11", "tuple10", "own")
PROBABILITIES = [0.0, 1e-9, 2e-9, 0.25, 0.25 + 1e-9, 0.5, 0.75, 1.0]
SCORES = [-9.0, -1.5005, -1.501, -1.5, -0.0625, 0.0, 0.0005, 0.0625, 0.062, 0.063, 1.0, 50.0]


def plain_token(tokenizer, name, row, branch):
    """The rule as one reads it, for one branch."""
    evs = [float(value) for value in row["branch_evs"]]
    played, n = int(row["move_dir"]), tokenizer.num_bins
    legal = bool(row["ev_legal"] & 1 << branch)
    if branch == played:
        return n + 2
    if not legal:
        return n + 1 if name != "search" and tokenizer.illegal_policy == "last_bin" else 0
    if name == "search":
        value, best = (round(evs[move] * 1000) - int(row["board_eval"]) for move in (branch, played))
        tied, failed = abs(value - best) <= 0.5, value < tokenizer.failure_cutoff
    else:
        value, best = evs[branch], evs[played]
        tied, failed = abs(value - best) <= 1e-9, value <= 1e-9
    if tied:
        return n + 1
    if failed:
        return 1
    index = int(np.searchsorted(tokenizer.edges[name], value - best, side="right")) - 1
    return 2 + min(max(index, 0), n - 1)


@st.composite
def tokenizers(draw):
    bins = draw(st.integers(1, 12))
    scores = st.lists(st.integers(-2000, -1), min_size=bins, max_size=bins, unique=True)
    shares = st.lists(st.integers(1, 64), min_size=bins, max_size=bins, unique=True)
    edges = {"search": (*sorted(map(float, draw(scores))), 0.0)}
    for name in ("tuple10", "tuple11", "own"):
        edges[name] = (*sorted(-share / 64 for share in draw(shares)), 0.0)
    return MacroxueTokenizer(edges, draw(st.integers(-2000, 0)), draw(st.sampled_from(["illegal", "last_bin"])))


@st.composite
def step_rows(draw):
    valuation = draw(st.integers(0, 3))
    values = st.one_of(
        st.sampled_from(PROBABILITIES if valuation else SCORES),
        st.floats(0, 1, width=32) if valuation else st.floats(-1e6, 1e6, width=32),
    )
    row = np.zeros(1, STEP)
    row["valuation_type"] = valuation
    row["board_eval"] = draw(st.one_of(st.just(0), st.integers(-(2**31), 2**31 - 1)))
    row["move_dir"] = played = draw(st.integers(0, 3))
    row["ev_legal"] = draw(st.integers(0, 15)) | 1 << played
    row["branch_evs"] = [draw(values) for _ in range(4)]
    return row


@settings(max_examples=300, deadline=None)
@given(tokenizers(), st.lists(step_rows(), min_size=1, max_size=5))
def test_tokens_are_those_of_the_plain_rule(tokenizer, rows):
    rows = np.concatenate(rows)
    expected = [
        [plain_token(tokenizer, NAMES[row["valuation_type"]], row, branch) for branch in range(4)] for row in rows
    ]
    assert tokenizer.encode(rows, NAMES).tolist() == expected
