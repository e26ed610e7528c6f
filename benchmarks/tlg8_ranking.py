"""Beams of 768 tuples and the best 32 of them, on one core, against NumPy that sums and partitions all tuples."""

import numpy as np

from benchmarks.figure import Figure, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.tlg8.ranking.beam import LOGITS, top_of_beams
from railyard.tlg8.ranking.heads import BEAMS, STRICT, class_table

BLOCKS, PLAIN_BLOCKS, K, TARGET = 5000, 50, 32, 100_000


def measure() -> list[Figure]:
    logits = np.random.default_rng(0).normal(size=(BLOCKS, LOGITS)).astype(np.float32)
    table = class_table(STRICT)

    def ours() -> int:
        top_of_beams(logits, BEAMS, K)
        return BLOCKS

    def plain() -> int:
        scores = logits[:PLAIN_BLOCKS, table].sum(axis=2)
        np.argpartition(-scores, K, axis=1)
        return PLAIN_BLOCKS

    pair = in_turns(ours, multiply_adds)
    return [
        cost(
            "tlg8 beam of 768 and top 32, a block",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] / TARGET,
            "all 12,288 tuples by NumPy",
            in_turns(ours, plain, seconds=2).ratio,
            f"{pair.rate:,.0f} blocks/s of CPU time",
        )
    ]
