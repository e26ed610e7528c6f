"""From the logits of heads to the best tuples: beams, sums, top K. Compiled, and the same for any batch and threads.

Shapes: N blocks, L logits (those of all heads side by side), K tuples returned.
Order: the larger sum first, and of equal ones the lower tuple id; within a head of equal logits the lower class.
"""

from math import prod

import numpy as np

from railyard.core.arrays import F32, I32, I64, U16, Int
from railyard.core.compiled import inner, njit
from railyard.core.errors import UserError
from railyard.tlg8.codec.tuples import TUPLES
from railyard.tlg8.ranking.heads import CLASSES, STRICT, class_table

ID_BITS = 14  # of a key: what is left of 12,288 ids
STARTS = np.cumsum([0, *(CLASSES[name] for name in STRICT)])
LOGITS = int(STARTS[-1])
MOST_CLASSES = 8


def top_of_beams(logits_NL: F32, beams: tuple[int, ...], k: int) -> U16:
    """Ranks uint16 [N, K] of the best tuples within the beams; logits float32 [N, 32] of the six heads.

    UserError where a logit is not finite, ValueError where the beams give fewer than K tuples.
    """
    if prod(beams) < k:
        raise ValueError(f"beams of {prod(beams)} tuples give no {k}")
    logits_NL = _finite(logits_NL)
    top_NK = np.empty((len(logits_NL), k), np.uint16)
    _search_beams(logits_NL, np.array(beams), top_NK)
    return top_NK


def top_of_candidates(logits_NL: F32, heads: tuple[str, ...], candidates_NM: U16, k: int) -> U16:
    """Ranks uint16 [N, K] of the best of each block's candidates, by the logits float32 [N, L] of any heads."""
    if candidates_NM.shape[1] < k:
        raise ValueError(f"{candidates_NM.shape[1]} candidates give no {k}")
    logits_NL = _finite(logits_NL)
    top_NK = np.empty((len(logits_NL), k), np.uint16)
    _search_candidates(logits_NL, class_table(heads), np.ascontiguousarray(candidates_NM, np.uint16), top_NK)
    return top_NK


def _finite(logits_NL: F32) -> F32:
    logits_NL = np.ascontiguousarray(logits_NL, np.float32)
    broken = np.flatnonzero(~np.isfinite(logits_NL).all(axis=1))
    if len(broken):
        raise UserError(f"block {broken[0]}: the ranker's logits are not finite; train it with a lower learning rate")
    return logits_NL


@inner()
def _key(score_bits: Int, rank: Int) -> Int:
    """Compares as (score, lower id first); from the bits of a float32 that is no NaN."""
    ordered = np.int64(score_bits)
    if ordered < 0:
        ordered = np.int64(-0x80000000) - ordered
    return (ordered << ID_BITS) | (TUPLES - rank)


@inner()
def _offer(heap: I64, key: Int) -> None:
    """Takes a key into a heap whose least one stands first."""
    if key <= heap[0]:
        return
    place, count = 0, len(heap)
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        if child + 1 < count and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = key


@inner()
def _drain(heap: I64, top: U16) -> None:
    """Ranks of a heap, the best first."""
    heap.sort()
    for place in range(len(heap)):
        key = heap[len(heap) - 1 - place]
        top[place] = TUPLES - (key & ((1 << ID_BITS) - 1))


@inner()
def _keep_best(logits: F32, count: Int, kept: I64) -> None:
    """Classes of the highest logits, the highest first, into `kept`."""
    for size in range(count):
        place = size
        while place > 0 and logits[size] > logits[kept[place - 1]]:
            kept[place] = kept[place - 1]
            place -= 1
        kept[place] = size


@njit()
def _search_beams(logits_NL: F32, beams: I64, top_NK: U16) -> None:
    kept = np.empty((len(beams), MOST_CLASSES), np.int64)
    heap = np.empty(top_NK.shape[1], np.int64)
    score = np.empty(1, np.float32)
    bits = score.view(np.int32)
    for block in range(len(logits_NL)):
        logits = logits_NL[block]
        for head in range(len(beams)):
            _keep_best(logits[STARTS[head] : STARTS[head + 1]], STARTS[head + 1] - STARTS[head], kept[head])
        heap[:] = -(1 << 62)
        _try_all(logits, kept, beams, score, bits, heap)
        _drain(heap, top_NK[block])


@inner()
def _try_all(logits: F32, kept: I64, beams: I64, score: F32, bits: I32, heap: I64) -> None:
    """Offers every tuple of the beams, its logits added in the order of the heads."""
    for a in kept[0, : beams[0]]:
        of_predictor = logits[a]
        for b in kept[1, : beams[1]]:
            of_perm = of_predictor + logits[STARTS[1] + b]
            for c in kept[2, : beams[2]]:
                of_primary = of_perm + logits[STARTS[2] + c]
                for d in kept[3, : beams[3]]:
                    of_filter = of_primary + logits[STARTS[3] + d]
                    pair = a * 96 + b * 16 + c * 4 + d
                    for e in kept[4, : beams[4]]:
                        of_scan = of_filter + logits[STARTS[4] + e]
                        for f in kept[5, : beams[5]]:
                            score[0] = (of_scan + logits[STARTS[5] + f]) + np.float32(0)
                            _offer(heap, _key(bits[0], pair * 16 + e * 2 + f))


@njit()
def _search_candidates(logits_NL: F32, table: I64, candidates_NM: U16, top_NK: U16) -> None:
    heap = np.empty(top_NK.shape[1], np.int64)
    score = np.empty(1, np.float32)
    bits = score.view(np.int32)
    for block in range(len(logits_NL)):
        heap[:] = -(1 << 62)
        for place in range(candidates_NM.shape[1]):
            rank = np.int64(candidates_NM[block, place])
            total = logits_NL[block, table[rank, 0]]
            for head in range(1, table.shape[1]):
                total = total + logits_NL[block, table[rank, head]]
            score[0] = total + np.float32(0)
            _offer(heap, _key(bits[0], rank))
        _drain(heap, top_NK[block])
