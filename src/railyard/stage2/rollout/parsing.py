"""Strict parsing of a rollout: an object is kept as written or dropped into exactly one bucket. Nothing is repaired.

Takes token ids from a generating model; matching compares its predictions with the truth, and the training step reads
geometry at their slots. Structure is read from the bytes, coordinates from the tokens: text that only looks like a
coordinate token is none.
Legend: T tokens.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from pydantic_core import from_json

from railyard.core.arrays import I64, Bool
from railyard.stage2.language.vocabulary import Ids, Vocabulary
from railyard.stage2.rollout.scan import STRING_REST, Entry, Scan, Span, scan
from railyard.stage2.scenes.coordinates import TOKENS, Box

Bucket = Literal[
    "truncated",
    "key_invalid",
    "missing_desc",
    "missing_geom",
    "unknown_geom",
    "wrong_arity",
    "non_coord_token",
    "bbox_invalid",
    "poly_unsupported",
]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)

# 18 digits: longer numbers are no index of anything, and Python refuses to read the longest of them
_KEY = re.compile(rb"object_(\d{1,18})")
_GEOMETRIES = {"bbox_2d", "poly"}

# an object of two members, each a string or a flat list; the groups are such lists
_STRING = rb'"%b"' % STRING_REST
_VALUE = rb'\s*+%b\s*+:\s*+(?:%b|(\[(?:%b|[^"\[\]{}])*+\]))\s*+' % (_STRING, _STRING, _STRING)
_TWO_MEMBERS = re.compile(rb"\{%b,%b\}" % (_VALUE, _VALUE), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prediction:
    """An object that was kept: the number in its key, its box in bins, the tokens of x1, y1, x2, y2 in the rollout."""

    index: int
    desc: str
    box: Box
    slots: tuple[int, int, int, int]


@dataclass(frozen=True)
class _Coordinates:
    """The coordinate tokens of a rollout, each with its place in the text, its position and its bin."""

    places: list[int]
    slots: list[int]
    bins: list[int]

    def within(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """Positions and bins of those in text[start:end]."""
        some = slice(bisect_left(self.places, start), bisect_left(self.places, end))
        return self.slots[some], self.bins[some]


@dataclass(frozen=True)
class Rollout:
    """Predictions in order of appearance and what became of the rest: kept + dropped = `begun`, always.

    `drops` has every bucket, zeros too. `truncated`: the outermost object never closed. `scaffold_T`: the ids up to
    the end of the last whole object, kept or not, in which all slots are valid. `next_index`: one above the largest
    `object_N` in there.
    """

    predictions: tuple[Prediction, ...]
    drops: Mapping[Bucket, int]
    begun: int
    truncated: bool
    scaffold_T: I64 = field(repr=False)
    next_index: int

    @property
    def dropped(self) -> int:
        return sum(self.drops.values())


def parse(ids: Ids, vocabulary: Vocabulary) -> Rollout:
    """The objects of a rollout, up to the first turn end. Never raises; ids unknown to the vocabulary are no text."""
    ids_T = np.asarray(ids, np.int64)
    ids_T = ids_T[: _first(ids_T == vocabulary.im_end)]
    text, places = vocabulary.join(ids_T)
    found = scan(text)
    coordinates = _coordinates(ids_T, places, vocabulary)
    read = [_read(entry, text, coordinates) for entry in found.entries]
    drops = Counter(outcome for outcome in read if isinstance(outcome, str))
    return Rollout(
        tuple(outcome for outcome in read if isinstance(outcome, Prediction)),
        {bucket: drops[bucket] for bucket in BUCKETS},
        len(read),
        not found.closed,
        scaffold(ids_T, text, places, found.prefix, vocabulary),
        next_index(found),
    )


def scaffold(ids_T: I64, text: bytes, places: I64, end: int, vocabulary: Vocabulary) -> I64:
    """The ids whose text ends at `end`: as they are, but the last one encoded anew where it goes on beyond.

    A token that begins inside a character takes the one before it along; there, bytes that are no UTF-8 are lost.
    """
    whole = int(np.searchsorted(places, end, side="right")) - 1
    while whole and places[whole] < end and text[places[whole]] & 0xC0 == 0x80:
        whole -= 1
    rest = vocabulary.encode(text[places[whole] : end].decode(errors="ignore"))
    return np.concatenate([ids_T[:whole], np.array(rest, np.int64)])


def next_index(found: Scan) -> int:
    """The index that goes on after every key up to the last whole object, whatever its value, kept or not."""
    last = max((number for number, entry in enumerate(found.entries, 1) if entry.body), default=0)
    keys = [_KEY.fullmatch(entry.key) for entry in found.entries[:last]]
    return 1 + max((int(key[1]) for key in keys if key), default=0)


def _first(mask_T: Bool) -> int:
    return int(mask_T.argmax()) if mask_T.any() else len(mask_T)


def _coordinates(ids_T: I64, places: I64, vocabulary: Vocabulary) -> _Coordinates:
    bins_T = vocabulary.bins(ids_T)
    slots = np.flatnonzero(bins_T >= 0)
    return _Coordinates(places[slots].tolist(), slots.tolist(), bins_T[slots].tolist())


def _read(entry: Entry, text: bytes, coordinates: _Coordinates) -> Prediction | Bucket:
    """The checks of an entry in the order in which they claim it; the first that fails names the bucket."""
    if entry.cut:
        return "truncated"
    key = _KEY.fullmatch(entry.key)
    if not key or not entry.body:
        return "key_invalid"
    try:
        members = from_json(text[slice(*entry.body)], allow_inf_nan=False)
    except ValueError:
        return "key_invalid"
    return _wrong_members(members) or _with_box(int(key[1]), members, text, entry.body, coordinates)


def _wrong_members(members: Mapping[str, Any]) -> Bucket | None:
    desc = members.get("desc")
    if not isinstance(desc, str) or not desc.strip():
        return "missing_desc"
    if len(members) == 1:
        return "missing_geom"
    if not members.keys() & _GEOMETRIES:
        return "unknown_geom"
    return "key_invalid" if len(members) > 2 else None


def _with_box(
    index: int, members: Mapping[str, Any], text: bytes, body: Span, coordinates: _Coordinates
) -> Prediction | Bucket:
    """`members` are a desc and one geometry."""
    is_box = "bbox_2d" in members
    values = members["bbox_2d" if is_box else "poly"]
    if not isinstance(values, list) or set(map(type, values)) & {list, dict}:
        return "wrong_arity"
    two = _TWO_MEMBERS.fullmatch(text, *body)
    if not two:  # a key occurs twice, and JSON silently keeps the last
        return "key_invalid"
    if not (len(values) == 4 if is_box else len(values) >= 6 and len(values) % 2 == 0):
        return "wrong_arity"
    slots, bins = coordinates.within(*two.span(1 if two[1] is not None else 2))
    # as many tokens as values, and the same text: no room is left for a value that only looks like one
    if values != [TOKENS[bin_] for bin_ in bins]:
        return "non_coord_token"
    if not is_box:
        return "poly_unsupported"
    x1, y1, x2, y2 = bins
    if x2 < x1 or y2 < y1:
        return "bbox_invalid"
    s1, s2, s3, s4 = slots
    return Prediction(index, members["desc"], (x1, y1, x2, y2), (s1, s2, s3, s4))
