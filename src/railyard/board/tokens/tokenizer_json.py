"""The format of `tokenizer.json`, key by key: what a file has to hold, one sentence for each fault.

A UserError of this file begins with the key; whoever knows the file's name puts it before.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from railyard.core.errors import UserError

TOKENIZER_TYPE, VERSION = "macroxue_ev_advantage_v2", 2
BASE_TYPES = ("search", "tuple10", "tuple11")
ILLEGAL_POLICIES = ("illegal", "last_bin")
REFERENCE_POLICY = "last_bin"  # of files that name none
MAX_BINS = 253  # with ILLEGAL, FAILURE and WINNER a class still fits one byte

HEAD_KEYS = ("tokenizer_type", "version", "num_bins", "vocab_order", "valuation_types", "illegal_policy")
LAST_KEY = "metadata"


def vocab_order(num_bins: int) -> list[str]:
    return ["ILLEGAL", "FAILURE", *(f"BIN_{index}" for index in range(num_bins)), "WINNER"]


def parse(document: Any) -> dict[str, Any]:
    """The fields of a MacroxueTokenizer from a file's JSON value. UserError names the first faulty key."""
    if not isinstance(document, dict):
        raise UserError(f"holds a {type(document).__name__}, expected a JSON object")
    _check_version(document)
    num_bins = _whole(document, "num_bins", 1, MAX_BINS)
    _expect(document, "vocab_order", vocab_order(num_bins))
    names = _valuation_types(document)
    _check_keys(document, names)
    return {
        "edges": {name: _edges(_table(document, name), f"{name}.bin_edges", num_bins) for name in names},
        "failure_cutoff": _whole(_table(document, "search"), "failure_cutoff", -(2**31), 2**31, "search."),
        "illegal_policy": _illegal_policy(document),
        "metadata": _table(document, LAST_KEY) if LAST_KEY in document else {},
    }


def _check_version(document: Mapping[str, Any]) -> None:
    if document.get("version") == 1:
        raise UserError("version is 1, whose classes mean something else: fit a tokenizer of version 2 instead")
    _expect(document, "tokenizer_type", TOKENIZER_TYPE)
    _expect(document, "version", VERSION)


def _check_keys(document: Mapping[str, Any], names: tuple[str, ...]) -> None:
    known = (*HEAD_KEYS, *names, LAST_KEY)
    for key in document:
        if key not in known:
            raise UserError(f"{key} is not a key of this format: name it in valuation_types, or remove it")


def _valuation_types(document: Mapping[str, Any]) -> tuple[str, ...]:
    names = _get(document, "valuation_types")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"valuation_types is {_short(names)}, expected a list of names")
    if tuple(names[: len(BASE_TYPES)]) != BASE_TYPES or len(set(names)) < len(names):
        raise UserError(
            f"valuation_types is {_short(names)}, expected {', '.join(BASE_TYPES)} and then names of own "
            "tables, each once"
        )
    for name in names:
        if name in (*HEAD_KEYS, LAST_KEY):
            raise UserError(f"valuation_types has the name {name}, which is a key of its own: rename the table")
    return tuple(names)


def _edges(table: Mapping[str, Any], key: str, num_bins: int) -> tuple[float, ...]:
    edges = _get(table, "bin_edges", key)
    if not isinstance(edges, list) or not all(_is_number(edge) for edge in edges):
        raise UserError(f"{key} is {_short(edges)}, expected a list of finite numbers")
    if len(edges) != num_bins + 1:
        raise UserError(f"{key} has {len(edges)} edges, expected num_bins + 1 = {num_bins + 1}")
    for position, (lower, upper) in enumerate(pairwise(edges), start=1):
        if not lower < upper:
            raise UserError(f"{key}[{position}] is {upper} after {lower}, expected strictly increasing edges")
    if edges[-1] != 0:
        raise UserError(f"{key} ends with {edges[-1]}, expected 0.0, the difference of an equal branch")
    return tuple(float(edge) for edge in edges)


def _illegal_policy(document: Mapping[str, Any]) -> str:
    policy = document.get("illegal_policy", REFERENCE_POLICY)
    if policy not in ILLEGAL_POLICIES:
        raise UserError(f"illegal_policy is {_short(policy)}, expected {' or '.join(ILLEGAL_POLICIES)}")
    return str(policy)


def _expect(document: Mapping[str, Any], key: str, wanted: Any) -> None:
    found = _get(document, key)
    if found != wanted:
        raise UserError(f"{key} is {_short(found)}, expected {_short(wanted)}")


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = _get(document, key)
    if not isinstance(table, dict):
        raise UserError(f"{key} is {_short(table)}, expected an object")
    return table


def _whole(document: Mapping[str, Any], key: str, low: int, high: int, prefix: str = "") -> int:
    number = _get(document, key, prefix + key)
    if type(number) is not int or not low <= number <= high:
        raise UserError(f"{prefix}{key} is {_short(number)}, expected a whole number from {low} to {high}")
    return number


def _get(document: Mapping[str, Any], key: str, path: str = "") -> Any:
    if key not in document:
        raise UserError(f"{path or key} is missing: fit the tokenizer again, or restore the file")
    return document[key]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
