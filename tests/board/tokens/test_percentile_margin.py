"""Version 1 by hand, against plain Python, and as far as it goes: encoding, not training."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from version1 import DOCUMENT, EDGES

from railyard.board.packs.schema import STEP
from railyard.board.tokens.load import load_tokenizer
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.core.errors import UserError

NAMES = ("search", "tuple11", "tuple10")
TOKENIZER = PercentileTokenizer.from_json(DOCUMENT)


def one_row(valuation=0, move=0, legal=15, evs=(0.0, 0.0, 0.0, 0.0)):
    return np.array([(0, 0, 0, 0, 0, move, valuation, legal, 0, 0, evs)], STEP)


@pytest.mark.parametrize(
    ("row", "tokens"),
    [
        (one_row(2, evs=(0.75, 0.75, 0.625, 0.25)), [4, 3, 2, 1]),  # margins 0, 0, 1/8 and 1/2: on the edges
        (one_row(2, evs=(0.75, 0.75, 0.6875, 0.3125)), [4, 3, 3, 2]),
        (one_row(2, move=1, legal=14, evs=(1, 0, 1, 0.5)), [0, 1, 4, 1]),  # the move played has no say
        (one_row(1, evs=(1, 0.875, 0.75, 0.5)), [4, 2, 1, 1]),
        (one_row(0, evs=(9000, 400, 200, -9000)), [4, 3, 2, 1]),  # beyond the knots
        (one_row(0, legal=1), [4, 0, 0, 0]),
    ],
)
def test_classes_by_hand(row, tokens):
    assert TOKENIZER.encode(row, NAMES).tolist() == [tokens]


def plain_tokens(row):
    knots = DOCUMENT["ecdf_knots"][NAMES[row["valuation_type"]]]
    shares = np.interp(row["branch_evs"].astype(float), knots, np.linspace(0, 1, len(knots)))
    legal = [bool(row["ev_legal"] >> branch & 1) for branch in range(4)]
    winner = max((branch for branch in range(4) if legal[branch]), key=lambda branch: shares[branch])
    tokens = []
    for branch in range(4):
        index = int(np.searchsorted(EDGES, shares[winner] - shares[branch], side="right")) - 1
        tokens.append(3 - min(max(index, 0), 2) if legal[branch] else 0)
    tokens[winner] = 4
    return tokens


@st.composite
def step_rows(draw):
    valuation, played = draw(st.integers(0, 2)), draw(st.integers(0, 3))
    values = (
        st.integers(-40, 40).map(lambda n: n * 12.5) if valuation == 0 else st.integers(0, 64).map(lambda n: n / 64)
    )
    evs = [draw(values) for _ in range(4)]
    return one_row(valuation, played, draw(st.integers(0, 15)) | 1 << played, evs)


@settings(deadline=None)
@given(st.lists(step_rows(), min_size=1, max_size=6))
def test_classes_are_those_of_the_plain_rule(rows):
    rows = np.concatenate(rows)
    assert TOKENIZER.encode(rows, NAMES).tolist() == [plain_tokens(row) for row in rows]


def test_classes_have_names():
    assert (TOKENIZER.num_bins, TOKENIZER.num_classes) == (3, 5)
    assert TOKENIZER.vocab_order == ["ILLEGAL", "BIN_0", "BIN_1", "BIN_2", "WINNER"]


def test_the_fingerprint_tells_tokenizers_apart():
    other = PercentileTokenizer.from_json(DOCUMENT | {"delta_edges": [0.0, 0.125, 0.25, 1.0]})
    assert other.fingerprint() != TOKENIZER.fingerprint()
    assert PercentileTokenizer.from_json(copy.deepcopy(DOCUMENT)).fingerprint() == TOKENIZER.fingerprint()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (one_row(3), "row 41 of a.pack has the valuation type 3"),
        (one_row(move=4), "row 41 of a.pack has the move 4"),
        (one_row(evs=(0, np.nan, 0, 0)), "row 41 of a.pack has the values"),
    ],
)
def test_a_bad_row_is_named(row, message):
    with pytest.raises(UserError, match=message):
        TOKENIZER.encode(np.concatenate([one_row(), row]), NAMES, first_row=40, source="a.pack")


def test_training_takes_version_2_only(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(DOCUMENT))
    assert PercentileTokenizer.load(path) == load_tokenizer(path) == TOKENIZER
    with pytest.raises(UserError, match="version is 1, expected 2, which alone is trained on"):
        MacroxueTokenizer.load(path)
