"""The format of `tokenizer.json`, key by key: what a file has to hold, one sentence for each fault.

A UserError of this file begins with the key; `json_fields.read` prefixes the file's name.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from railyard.board.tokens.json_fields import expect, names, numbers, table, whole
from railyard.core.errors import UserError, short

TOKENIZER_TYPE, VERSION = "macroxue_ev_advantage_v2", 2
BASE_TYPES = ("search", "tuple10", "tuple11")
ILLEGAL_POLICIES = ("illegal", "last_bin")
REFERENCE_POLICY = "last_bin"  # of files that name none
MAX_BINS = 253  # with ILLEGAL, FAILURE and WINNER a class still fits one byte

HEAD_KEYS = ("tokenizer_type", "version", "num_bins", "vocab_order", "valuation_types", "illegal_policy")
LAST_KEY = "metadata"


def vocab_order(num_bins: int) -> list[str]:
    return ["ILLEGAL", "FAILURE", *(f"BIN_{index}" for index in range(num_bins)), "WINNER"]


def parse(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a MacroxueTokenizer from a file's JSON object. UserError names the first faulty key."""
    _check_version(document)
    num_bins = whole(document, "num_bins", 1, MAX_BINS)
    expect(document, "vocab_order", vocab_order(num_bins))
    types = _valuation_types(document)
    _check_keys(document, types)
    return {
        "edges": {name: _edges(table(document, name), f"{name}.bin_edges", num_bins) for name in types},
        "failure_cutoff": whole(table(document, "search"), "failure_cutoff", -(2**31), 2**31, "search."),
        "illegal_policy": _illegal_policy(document),
        "metadata": table(document, LAST_KEY) if LAST_KEY in document else {},
    }


def _check_version(document: Mapping[str, Any]) -> None:
    if document.get("version") == 1:
        raise UserError("version is 1, expected 2, which alone is trained on: fit one with railyard tokenizer")
    expect(document, "tokenizer_type", TOKENIZER_TYPE)
    expect(document, "version", VERSION)


def _check_keys(document: Mapping[str, Any], types: tuple[str, ...]) -> None:
    known = (*HEAD_KEYS, *types, LAST_KEY)
    for key in document:
        if key not in known:
            raise UserError(f"{key} is not a key of this format: name it in valuation_types, or remove it")


def _valuation_types(document: Mapping[str, Any]) -> tuple[str, ...]:
    types = names(document, "valuation_types")
    if types[: len(BASE_TYPES)] != BASE_TYPES or len(set(types)) < len(types):
        raise UserError(
            f"valuation_types is {short(list(types))}, expected {', '.join(BASE_TYPES)} and then names of own "
            "tables, each once"
        )
    for name in types:
        if name in (*HEAD_KEYS, LAST_KEY):
            raise UserError(f"valuation_types has the name {name}, which is a key of its own: rename the table")
    return types


def _edges(holder: Mapping[str, Any], key: str, num_bins: int) -> tuple[float, ...]:
    edges = numbers(holder, "bin_edges", key)
    if len(edges) != num_bins + 1:
        raise UserError(f"{key} has {len(edges)} edges, expected num_bins + 1 = {num_bins + 1}")
    for position, (lower, upper) in enumerate(pairwise(edges), start=1):
        if not lower < upper:
            raise UserError(f"{key}[{position}] is {upper} after {lower}, expected strictly increasing edges")
    if edges[-1] != 0:
        raise UserError(f"{key} ends with {edges[-1]}, expected 0.0, the difference of an equal branch")
    return edges


def _illegal_policy(document: Mapping[str, Any]) -> str:
    policy = document.get("illegal_policy", REFERENCE_POLICY)
    if policy not in ILLEGAL_POLICIES:
        raise UserError(f"illegal_policy is {short(policy)}, expected {' or '.join(ILLEGAL_POLICIES)}")
    return str(policy)
