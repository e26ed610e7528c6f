"""Which rows stand where: a checksum over (run_id, step_index) of all rows in their order.

Annotations are joined to their pool by position alone; equal checksums say that both hold the same rows in the same
order.
"""

from collections.abc import Iterable

import numpy as np

from railyard.board.game.spawn import mixed
from railyard.core.arrays import U32
from railyard.core.compiled import njit

START = 0


@njit()
def _mix(checksum: np.uint64, runs_N: U32, steps_N: U32) -> np.uint64:
    for row in range(len(runs_N)):
        checksum = mixed(checksum, np.uint64(runs_N[row]) << np.uint64(32) | np.uint64(steps_N[row]))
    return checksum


def alignment_of(chunks: Iterable[tuple[U32, U32]]) -> str:
    """The checksum, 16 hex digits, of run ids and step indices that come chunk by chunk; run ids are cut to 32 bits."""
    checksum = np.uint64(START)
    for runs_N, steps_N in chunks:
        runs, steps = (np.ascontiguousarray(part).astype(np.uint32) for part in (runs_N, steps_N))
        checksum = np.uint64(_mix(checksum, runs, steps))
    return f"{int(checksum):016x}"
