"""What all 12,288 tuples of a block cost, one thread."""

import numpy as np

from benchmarks import plain_codec
from benchmarks.figure import Figure, cost
from benchmarks.tlg8_images import FIXTURES, cpu_seconds
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.tlg8.codec.pair_tables import tables_of

TARGET = 4.0  # ms


def measure() -> list[Figure]:
    with np.load(FIXTURES / "blocks.npz") as columns:
        contexts = columns["context"][columns["components"] == 3]
    sizes, keys = np.full((len(contexts), 2), 8, np.uint8), np.empty((len(contexts), 2), np.int64)

    def ours() -> int:
        tables_of(contexts, sizes, 3, gated=False, entropy=0)
        return len(contexts)

    pair = in_turns(ours, multiply_adds)
    plain = cpu_seconds(lambda: plain_codec.search(contexts, 3, False, np.array([0]), keys), runs=1)
    return [
        cost(
            "tlg8 costs of all 12,288 tuples of a block",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] * TARGET / 1000,
            "the same in numba, tuple by tuple",
            plain / len(contexts) * pair.rate,
            f"{1000 / pair.rate:.2f} ms of CPU time; {len(contexts)} blocks of 3 planes, Plain",
        )
    ]
