"""Tokens and files of the Macroxue tokenizer against the reference's, and where they differ on purpose."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.tokens.fit import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
FILE = FIXTURES / "04_tokenizer_v2_8.json"
EDGE_CASES = json.loads((FIXTURES / "04_tokenizer_v2_edge_cases.json").read_text())
NAMES = ("search", "tuple11", "tuple10")
PACK = Pack.open(FIXTURES / "03_pack")


def all_rows():
    return PACK.rows.gather(np.arange(len(PACK)))


def one_row(valuation=0, move=0, legal=15, board_eval=0, evs=(0.0, 0.0, 0.0, 0.0)):
    return np.array([(0, 0, 0, board_eval, 0, move, valuation, legal, 0, 0, evs)], STEP)


def case_row(case):
    return one_row(
        NAMES.index(case["valuation"]),
        case["move_dir"],
        case["ev_legal"],
        case["board_eval"],
        case["branch_evs"],
    )


def reference_32():
    return dataclasses.replace(fit(PACK, 32), illegal_policy="last_bin")


def test_tokens_of_the_reference():
    tokens = MacroxueTokenizer.load(FILE).encode(all_rows(), PACK.valuation_names)
    assert tokens.dtype == np.uint8
    np.testing.assert_array_equal(tokens, np.load(FIXTURES / "04_tokens_v2_8_python.npy"))


@pytest.mark.parametrize("case", EDGE_CASES["8"]["edge"], ids=lambda case: case["label"])
def test_edge_cases_of_the_reference(case):
    tokens = MacroxueTokenizer.load(FILE).encode(case_row(case), NAMES)
    assert tokens.tolist() == [case["tokens_python"]]


@pytest.mark.parametrize("case", EDGE_CASES["32"]["edge"], ids=lambda case: case["label"])
def test_edge_cases_of_the_reference_with_32_bins(case):
    assert reference_32().encode(case_row(case), NAMES).tolist() == [case["tokens_python"]]


def test_the_documented_rows_of_32_bins():
    search = one_row(0, 0, 0b0101, -257024, (-257.46, 0, -258.092, 0))
    tuples = one_row(2, 3, 0b1100, 0, (0, 0, 0.5104, 0.9796))
    assert reference_32().encode(np.concatenate([search, tuples]), NAMES).tolist() == [
        [34, 0, 19, 0],
        [33, 33, 3, 34],
    ]


def test_illegal_branches_of_tuple_rows_by_policy():
    row = one_row(1, 0, 0b0001, 0, (0.7, 0, 0, 0))
    reference = MacroxueTokenizer.load(FILE)
    assert reference.encode(row, NAMES).tolist() == [[10, 9, 9, 9]]
    assert dataclasses.replace(reference, illegal_policy="illegal").encode(row, NAMES).tolist() == [[10, 0, 0, 0]]


def test_exact_halves_go_to_even():
    tokenizer = MacroxueTokenizer({"search": (-2.0, -0.75, 0.0)}, -1500)
    half = one_row(0, 0, 0b0011, 0, (0.0625, 0.062, 0, 0))  # 62.5 and 62: a tie, where half away from zero is 63
    point_better = one_row(0, 0, 0b0011, 0, (0.063, 0.062, 0, 0))
    assert tokenizer.encode(np.concatenate([half, point_better]), NAMES).tolist() == [
        [4, 3, 0, 0],
        [4, 2, 0, 0],
    ]


def test_names_are_read_in_the_direction_of_the_file():
    # the reference's trainer looked names up by id in a name-to-id file, which swapped tuple10 and tuple11
    tokenizer, rows = MacroxueTokenizer.load(FILE), all_rows()
    swapped = tokenizer.encode(rows, ("search", "tuple10", "tuple11"))
    assert (swapped != tokenizer.encode(rows, PACK.valuation_names)).any()


def test_tokens_do_not_depend_on_how_rows_lie_in_memory():
    tokenizer, rows = MacroxueTokenizer.load(FILE), all_rows()
    expected = tokenizer.encode(rows, NAMES)
    np.testing.assert_array_equal(tokenizer.encode(rows[::3], NAMES), expected[::3])
    mapped = np.load(FIXTURES / "03_pack" / "steps-00001.npy", mmap_mode="r")
    np.testing.assert_array_equal(tokenizer.encode(mapped, NAMES), expected[300:600])
    assert rows.flags.writeable


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (one_row(valuation=3), "row 41 of a.pack has the valuation type 3, expected 0 to 2"),
        (one_row(move=4), r"row 41 of a.pack has the move 4, expected 0 \(up\) to 3 \(right\)"),
        (one_row(move=2, legal=11), "row 41 of a.pack has the move 2, illegal by its ev_legal=11"),
        (one_row(evs=(0, math.nan, 0, 0)), r"row 41 of a.pack has the values \[0.0, nan, 0.0, 0.0\]"),
        (one_row(evs=(0, math.inf, -math.inf, 0)), r"row 41 of a.pack has the values"),
    ],
)
def test_a_bad_row_is_named(row, message):
    rows = np.concatenate([one_row(), row, one_row(move=9)])
    with pytest.raises(UserError, match=message):
        MacroxueTokenizer.load(FILE).encode(rows, NAMES, first_row=40, source="a.pack")


def test_a_valuation_without_edges_is_named():
    with pytest.raises(UserError, match="row 0 of the rows has the valuation type 'endgame', expected one"):
        MacroxueTokenizer.load(FILE).encode(one_row(valuation=3), (*NAMES, "endgame"))


def test_values_of_illegal_branches_are_not_looked_at():
    row = one_row(legal=1, evs=(0, math.nan, math.inf, -math.inf))
    assert MacroxueTokenizer.load(FILE).encode(row, NAMES).tolist() == [[10, 0, 0, 0]]


def test_rows_of_another_layout_are_refused():
    with pytest.raises(TypeError, match=r"expected .*branch_evs"):
        MacroxueTokenizer.load(FILE).encode(np.zeros(2, np.uint8), NAMES)


def test_the_reference_file_is_written_with_its_bytes(tmp_path):
    MacroxueTokenizer.load(FILE).save(tmp_path / "tokenizer.json")
    assert (tmp_path / "tokenizer.json").read_bytes() == FILE.read_bytes()


def test_own_tables_and_policy_survive_the_file(tmp_path):
    tokenizer = MacroxueTokenizer.load(FILE)
    tokenizer = dataclasses.replace(
        tokenizer,
        edges={**tokenizer.edges, "endgame": tuple(np.linspace(-1, 0, 9).tolist())},
        illegal_policy="illegal",
    )
    tokenizer.save(tmp_path / "tokenizer.json")
    again = MacroxueTokenizer.load(tmp_path / "tokenizer.json")
    assert again == tokenizer
    assert again.own_tables == ("endgame",)
    assert again.encode(one_row(3, evs=(0.5, 0.4375, 0, 0.75)), (*NAMES, "endgame")).tolist() == [[10, 9, 1, 9]]


def test_classes():
    tokenizer = MacroxueTokenizer.load(FILE)
    assert (tokenizer.num_bins, tokenizer.num_classes) == (8, 11)
    assert tokenizer.vocab_order == json.loads(FILE.read_text())["vocab_order"]


def test_the_fingerprint_tells_tokenizers_apart():
    tokenizer = MacroxueTokenizer.load(FILE)
    others = [
        tokenizer,
        dataclasses.replace(tokenizer, illegal_policy="illegal"),
        dataclasses.replace(tokenizer, failure_cutoff=-1499),
        dataclasses.replace(tokenizer, edges={**tokenizer.edges, "tuple10": tokenizer.edges["tuple11"]}),
    ]
    assert len({other.fingerprint() for other in others}) == 4
    spaced = json.loads(FILE.read_text()) | {"illegal_policy": "last_bin"}
    assert MacroxueTokenizer.from_json(spaced).fingerprint() == tokenizer.fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[1]", "does not hold a JSON object"),
        ('{"version": 1}', "version is 1, expected 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, text, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(UserError, match=f"tokenizer.json:? {message}"):
        MacroxueTokenizer.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none.json is not a file"):
        MacroxueTokenizer.load(tmp_path / "none.json")


def test_what_is_shown():
    facts = MacroxueTokenizer.load(FILE).describe()
    assert (facts["version"], facts["num_bins"], facts["num_classes"]) == (2, 8, 11)
    assert (facts["illegal_policy"], facts["failure_cutoff"]) == ("last_bin", -1500)
    assert facts["rows"]["tuple10"] == 217
    assert facts["edges"]["search"].startswith("-61400, -1550.38, -1168, ")
    assert json.loads(json.dumps(facts)) == facts


def test_shares_are_those_of_the_tokens():
    tokenizer, pack = fit(PACK, bins=8), PACK
    rows = pack.rows.gather(np.arange(len(pack)))
    tokens_N4 = tokenizer.encode(rows, pack.valuation_names)
    for valuation, name in enumerate(pack.valuation_names):
        counts = (
            np.bincount(tokens_N4[rows["valuation_type"] == valuation].ravel(), minlength=11)
            / (rows["valuation_type"] == valuation).sum()
            / 4
        )
        found = tokenizer.shares()[name]
        assert abs(found["ILLEGAL"] - counts[0]) < 1e-4
        assert abs(found["WINNER"] - counts[10]) < 1e-4
        assert abs(found["FAILURE"] - counts[1]) < 0.02  # lost moves may tie
        assert abs(sum(found.values()) - 1) < 1e-3


def test_metadata_without_counts_tells_nothing(tmp_path):
    dataclasses.replace(MacroxueTokenizer.load(FILE), metadata={"search": {"rows": "many"}}).save(tmp_path / "t.json")
    facts = MacroxueTokenizer.load(tmp_path / "t.json").describe()
    assert (facts["classes"], facts["fitted_to"]) == ({}, None)
    assert facts["rows"] == {"search": 0, "tuple10": 0, "tuple11": 0}
