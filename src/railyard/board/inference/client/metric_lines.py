"""The client's metric lines: batches and boards a second, and how large batches are, with the reference's keys."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from railyard.core.store.durable import explain_full_disk, open_own

MOST_SIZES = 10  # that a line lists


class BatchSizes:
    """Counts of batches by their size."""

    def __init__(self, now: float) -> None:
        self._batches: Counter[int] = Counter()
        self._before, self._since = (0, 0), now

    def note(self, boards: int) -> None:
        self._batches[boards] += 1

    @property
    def totals(self) -> tuple[int, int]:
        """Boards and batches."""
        return sum(size * count for size, count in self._batches.items()), self._batches.total()

    def line(self, now: float, ts: float) -> dict[str, Any]:
        """Rates since the last line, totals and sizes since the start; `missed` are those of sizes not listed."""
        items, batches = self.totals
        seconds = max(now - self._since, 1e-9)
        rates = [(total - before) / seconds for total, before in zip((items, batches), self._before, strict=True)]
        self._before, self._since = (items, batches), now
        by_items = Counter({size: size * count for size, count in self._batches.items()})
        top_batches, top_items = self._batches.most_common(MOST_SIZES), by_items.most_common(MOST_SIZES)
        return {
            "ts": ts,
            "items_per_s": rates[0],
            "batches_per_s": rates[1],
            "total_items": items,
            "total_batches": batches,
            "top_batch_sizes": [list(pair) for pair in top_batches],
            "missed_batches": batches - sum(count for _, count in top_batches),
            "top_item_sizes": [list(pair) for pair in top_items],
            "missed_items": items - sum(count for _, count in top_items),
        }


class MetricLines:
    """Appends lines to a file, each whole: a line is one write."""

    def __init__(self, file: Path, sizes: BatchSizes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._sizes = file, sizes
        self._descriptor = open_own(file, os.O_WRONLY | os.O_APPEND)

    def append(self) -> None:
        line = json.dumps(self._sizes.line(time.monotonic(), time.time())) + "\n"
        with explain_full_disk(self._file):
            os.write(self._descriptor, line.encode())

    def close(self) -> None:
        """With a last line."""
        self.append()
        os.close(self._descriptor)
