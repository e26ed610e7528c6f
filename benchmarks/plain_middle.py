"""The alternative to the compiled scan and the segment cache: one character, one pair and one token at a time.

Reads whole rollouts of objects written as Railyard writes them; knows none of the library's code but its records.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.scenes.coordinates import TOKENS
from railyard.stage2.scenes.records import SceneObject

GATE, TOP_K, FORBIDDEN, MATCHED_WEIGHT = 0.3, 10, 1e6, 0.25


def prepared(ids: list[int], objects: Sequence[SceneObject], vocabulary: Vocabulary) -> tuple[list[int], list[float]]:
    """The target's ids and weights of channel B, stop-neutral."""
    text = b"".join(vocabulary.pieces[i] for i in ids).decode()
    found = [_box(json.loads(body)) for body in _bodies(text)]
    pairs = _matched([box for box in found if box], [each.box for each in objects])
    missed = sorted({*range(len(objects))} - {*pairs}, key=lambda n: (objects[n].box[1], objects[n].box[0], n))
    return _target([objects[n] for n in (*pairs, *missed)], len(pairs), vocabulary)


def _bodies(text: str) -> Iterator[str]:
    depth, start, in_string, escaped = 0, 0, False, False
    for place, character in enumerate(text):
        if escaped:
            escaped = False
        elif in_string:
            escaped, in_string = character == "\\", character != '"'
        elif character == '"':
            in_string = True
        elif character == "{":
            depth += 1
            start = place if depth == 2 else start
        elif character == "}":
            depth -= 1
            if depth == 1:
                yield text[start : place + 1]


def _box(members: dict[str, Any]) -> list[int] | None:
    return [TOKENS.index(token) for token in members["bbox_2d"]] if "desc" in members else None


def _matched(predicted: Sequence[Sequence[int]], true: Sequence[Sequence[int]]) -> list[int]:
    """The true object of each matched prediction, in order."""
    total = len(predicted) + len(true)
    cost = [[0.0] * total for _ in range(total)]
    for row in range(total):
        ious = [_iou(predicted[row], box) for box in true] if row < len(predicted) else []
        best = sorted(range(len(ious)), key=lambda n: -ious[n])[:TOP_K]
        for column in range(total):
            if row < len(predicted) and column < len(true):
                cost[row][column] = 1 - ious[column] if column in best and ious[column] >= GATE else FORBIDDEN
            elif row < len(predicted) or column < len(true):
                cost[row][column] = 1.0
    rows, columns = linear_sum_assignment(np.array(cost))
    return [int(c) for r, c in zip(rows, columns, strict=True) if r < len(predicted) and c < len(true)]


def _iou(a: Sequence[int], b: Sequence[int]) -> float:
    common = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union if union else 0.0


def _target(objects: Sequence[SceneObject], matched: int, vocabulary: Vocabulary) -> tuple[list[int], list[float]]:
    entries = {
        f"object_{n}": {"desc": each.desc, "bbox_2d": [TOKENS[k] for k in each.box]}
        for n, each in enumerate(objects, 1)
    }
    text = json.dumps(entries, ensure_ascii=False)
    owner_of, at = {}, 0
    for number, each in enumerate(objects):
        at = text.index('"desc": ', at) + len('"desc": "')
        owner_of |= dict.fromkeys(range(at, at + len(each.desc)), number)
    ids = [*vocabulary.encode(text), vocabulary.im_end]
    weights, place = [], 0
    for token in ids:
        places = range(place, place := place + len(vocabulary.pieces[token]))
        owners = [owner_of[each] for each in places if each in owner_of]
        if vocabulary.bins_V[token] >= 0 or places.stop >= len(text):
            weights.append(0.0)
        else:
            weights.append(MATCHED_WEIGHT if owners and owners[0] < matched else 1.0)
    return ids, weights
