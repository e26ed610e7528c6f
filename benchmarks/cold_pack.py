"""Batches from a pack that is not in memory: windows of blocks against a random gather, both through the loader.

The gather reads a page for a row, the best it can do on a pack larger than memory. Left to the kernel's defaults it
reads megabytes around each row, which warms a pack that fits and is far worse for one that does not.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure
from benchmarks.sample import sample_pack
from railyard.board.packs.pack import Pack
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.training.data import PackRows
from railyard.board.training.split import Rows
from railyard.core.store import paging
from railyard.core.store.order import Permutation
from railyard.core.training.loading import BatchOrder, Order, OrderedLoader
from railyard.core.training.shuffling import Windowed

COPIES, SECONDS, BATCH, PROBES = 1400, 8.0, 512, 1000  # 3 GB


def measure() -> list[Figure]:
    with sample_pack(COPIES) as (pack, tokenizer):
        forget(pack)
        latency = _latency(pack)
        windowed, held = _rate(pack, tokenizer, Windowed().order)
        scattered, _ = _rate(pack, tokenizer, Permutation)  # after `announce`, a miss reads a page
    ratio = windowed / scattered
    note = f"{len(pack) * 46 / 2**30:.1f} GiB; gather {scattered:,.0f} rows/s, a random 4 KiB read takes "
    note += f"{1e6 * latency:,.0f} us; at most {held / 2**20:,.0f} MiB of it mapped"
    return [Figure("rows of a cold pack", windowed, "rows/s", ">= 20x", ratio >= 20, "a random gather", ratio, note)]


def forget(pack: Pack) -> None:
    """Drops the pack's rows from this process and from the page cache."""
    paging.release(pack.rows, np.array([[0, len(pack)]]))
    for path in pack.rows.paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _rate(pack: Pack, tokenizer: MacroxueTokenizer, shuffled: Callable[[int, int], Order]) -> tuple[float, int]:
    """Collated rows a second from cold, the first window's wait included, and the most mapped bytes in between."""
    source = PackRows(pack, tokenizer, Rows(pack.runs.starts, np.arange(len(pack.runs))))
    list(islice(OrderedLoader(source, BatchOrder(len(source), BATCH, shuffled=shuffled)), 3))  # load compiled code
    forget(pack)
    before, held, rows = _mapped(), 0, 0
    start = time.perf_counter()
    with closing(iter(OrderedLoader(source, BatchOrder(len(source), BATCH, 1, shuffled=shuffled)))) as batches:
        for number, batch in enumerate(batches):
            rows += len(batch.tokens)
            if number % 500 == 0:
                held = max(held, _mapped() - before)
            if time.perf_counter() - start > SECONDS:
                break
        return rows / (time.perf_counter() - start), held


def _mapped() -> int:
    """Bytes of files in this process's memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssFile"))


def _latency(pack: Pack) -> float:
    """Seconds that one small read at a random place takes."""
    places = np.random.default_rng(1).integers(0, pack.rows.paths[0].stat().st_size // 4096, PROBES) * 4096
    with pack.rows.paths[0].open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        start = time.perf_counter()
        for place in places.tolist():
            os.pread(file.fileno(), 46, place)
        return (time.perf_counter() - start) / PROBES
