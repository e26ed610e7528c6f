"""Every rule of `tokenizer.json` broken once."""

import copy
import json
from pathlib import Path

import pytest

from railyard.board.tokens.tokenizer_json import parse
from railyard.core.errors import UserError

FILE = Path(__file__).parents[2] / "fixtures" / "board" / "04_tokenizer_v2_8.json"
REFERENCE = json.loads(FILE.read_text())


def spoiled(path, value):
    """The reference's document with one key replaced, or removed for the value `...`."""
    document = copy.deepcopy(REFERENCE)
    *parents, key = path.split(".")
    table = document
    for parent in parents:
        table = table[parent]
    if value is ...:
        del table[key]
    else:
        table[key] = value
    return document


def edges(**changes):
    values = list(REFERENCE["tuple10"]["bin_edges"])
    for position, value in changes.items():
        values[int(position[1:])] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tokenizer_type", "bpe", "tokenizer_type is 'bpe', expected 'macroxue_ev_advantage_v2'"),
        ("tokenizer_type", ..., "tokenizer_type is missing"),
        ("version", 3, "version is 3, expected 2"),
        ("version", 1, "version is 1, expected 2, which alone is trained on: fit one"),
        ("num_bins", 0, "num_bins is 0, expected a whole number from 1 to 253"),
        ("num_bins", 254, "num_bins is 254, expected a whole number from 1 to 253"),
        ("num_bins", 8.0, r"num_bins is 8\.0, expected a whole number"),
        ("num_bins", 9, "vocab_order is .* expected"),
        ("vocab_order", ["WINNER"], "vocab_order is .* expected"),
        ("vocab_order", ..., "vocab_order is missing"),
        ("valuation_types", "search", "valuation_types is 'search', expected a list of names"),
        (
            "valuation_types",
            ["search", "tuple11", "tuple10"],
            "valuation_types is .* expected search, tuple10, tuple11",
        ),
        ("valuation_types", ["search", "tuple10", "tuple11", "search"], "each once"),
        (
            "valuation_types",
            ["search", "tuple10", "tuple11", "version"],
            "the name version, which is a key of its own",
        ),
        ("valuation_types", ["search", "tuple10", "tuple11", "own"], "own is missing"),
        ("illegal_policy", "first_bin", "illegal_policy is 'first_bin', expected illegal or last_bin"),
        ("illegal_polcy", "illegal", "illegal_polcy is not a key of this format"),
        ("tuple11", ..., "tuple11 is missing"),
        ("tuple11", [], r"tuple11 is \[\], expected an object"),
        ("search.failure_cutoff", ..., r"search\.failure_cutoff is missing"),
        ("search.failure_cutoff", "low", r"search\.failure_cutoff is 'low', expected a whole number"),
        ("tuple10.bin_edges", ..., r"tuple10\.bin_edges is missing"),
        ("tuple10.bin_edges", None, r"tuple10\.bin_edges is None, expected a list of finite numbers"),
        ("tuple10.bin_edges", edges(_3=float("nan")), "expected a list of finite numbers"),
        ("tuple10.bin_edges", edges(_3=True), "expected a list of finite numbers"),
        ("tuple10.bin_edges", edges()[1:], "has 8 edges, expected num_bins [+] 1 = 9"),
        (
            "tuple10.bin_edges",
            edges(_2=edges()[1]),
            r"tuple10\.bin_edges\[2\] is .* expected strictly increasing",
        ),
        ("tuple10.bin_edges", edges(_8=-0.001), r"tuple10\.bin_edges ends with -0\.001, expected 0\.0"),
        ("metadata", 5, "metadata is 5, expected an object"),
    ],
)
def test_a_fault_names_its_key(path, value, message):
    with pytest.raises(UserError, match=message):
        parse(spoiled(path, value))


def test_what_a_file_may_leave_out():
    fields = parse(spoiled("metadata", ...))
    assert (fields["metadata"], fields["illegal_policy"]) == ({}, "last_bin")


def test_the_reference_file():
    fields = parse(REFERENCE)
    assert list(fields["edges"]["tuple10"]) == REFERENCE["tuple10"]["bin_edges"]
    assert (fields["failure_cutoff"], fields["metadata"]) == (-1500, REFERENCE["metadata"])
