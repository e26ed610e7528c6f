"""Version 1 by hand, against plain Python, and as far as it goes: encoding, not training. Each rule of its files is
broken once."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from version1 import DOCUMENT, EDGES

from railyard.board.packs.schema import STEP
from railyard.board.tokens import registry
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.core.errors import UserError

NAMES = ("search", "tuple11", "tuple10")
TOKENIZER = PercentileTokenizer.from_json(DOCUMENT)
KNOTS = DOCUMENT["ecdf_knots"]


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
    assert list(TOKENIZER.class_names.values()) == ["ILLEGAL", "BIN_0", "BIN_1", "BIN_2", "WINNER"]


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
    assert PercentileTokenizer.load(path) == registry.load(path) == TOKENIZER
    with pytest.raises(UserError, match="version is 1, expected 2, which alone is trained on"):
        MacroxueTokenizer.load(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 2, "version is 2, expected 1"),
        ("quantile_count", 1, "quantile_count is 1, expected a whole number from 2"),
        ("quantile_count", 4, "ecdf_knots.search has 5 knots, expected quantile_count = 4"),
        ("percentile_grid", "log", "percentile_grid is 'log', expected 'uniform_0_1'"),
        ("valuation_types", [1], r"valuation_types is \[1\], expected a list of names"),
        ("valuation_types", ["search", "tuple9"], "ecdf_knots.tuple9 is missing"),
        ("ecdf_knots", [], r"ecdf_knots is \[\], expected an object"),
        ("ecdf_knots", KNOTS | {"search": [0, 1, 2, 3, None]}, "ecdf_knots.search is .* expected a list of finite"),
        ("ecdf_knots", KNOTS | {"search": [0, 1, 2, 3, 2]}, r"ecdf_knots.search\[4\] is 2.0 after 3.0"),
        ("ecdf_knots", KNOTS | {"search": [0, 1, 2, 3, 10**400]}, "expected a list of finite numbers"),
        ("delta_edges", [0.5], "delta_edges has 1 edges, expected 2 to 255"),
        ("delta_edges", [0.5, 0.25], r"delta_edges\[1\] is 0.25 after 0.5, expected ascending"),
    ],
)
def test_a_fault_names_its_key(key, value, message):
    with pytest.raises(UserError, match=message):
        PercentileTokenizer.from_json(DOCUMENT | {key: value})


@pytest.mark.parametrize("key", ["version", "quantile_count", "percentile_grid", "valuation_types", "delta_edges"])
def test_a_missing_key_is_named(key):
    with pytest.raises(UserError, match=f"^{key} is missing"):
        PercentileTokenizer.from_json({name: value for name, value in DOCUMENT.items() if name != key})


def test_knots_and_edges_may_coincide():
    tokenizer = PercentileTokenizer.from_json(
        DOCUMENT | {"ecdf_knots": KNOTS | {"search": [0, 0, 1, 1, 1]}, "delta_edges": [0, 0, 1]}
    )
    assert tokenizer.knots["search"] == (0.0, 0.0, 1.0, 1.0, 1.0)
    assert tokenizer.delta_edges == (0.0, 0.0, 1.0)


def test_what_is_shown():
    facts = TOKENIZER.describe()
    assert (facts["version"], facts["num_classes"]) == (1, 5)
    assert facts["delta_edges"] == "0, 0.125, 0.5, 1"
    assert facts["values_at_percentiles_0_25_50_75_100"]["search"] == "-400, -200, 0, 200, 400"
