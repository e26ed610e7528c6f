"""What was measured, window by window, and when it is enough: pure, without a clock or a server.

Latencies are in seconds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

AGREEING, TOLERANCE = 3, 0.1  # windows that agree within so much of their mean
QUANTILES = {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}


@dataclass
class Window:
    """What ended within some seconds."""

    seconds: float = 0.0
    boards: int = 0
    latencies: list[float] = field(default_factory=list)  # of answers
    refusals: list[float] = field(default_factory=list)  # of those that were refused as the server was full
    failed: Counter[str] = field(default_factory=Counter)  # by gRPC's name
    server: Mapping[str, float] = field(default_factory=dict)  # figures of the server in this window
    cpu: float = 0.0  # seconds of the processor that this process took

    def figures(self) -> dict[str, Any]:
        return {
            "boards_per_second": self.boards / self.seconds,
            "requests_per_second": len(self.latencies) / self.seconds,
            **_milliseconds(self.latencies, ""),
            "refused_per_second": len(self.refusals) / self.seconds,
            **_milliseconds(self.refusals, "refused_"),
            "failed": dict(self.failed),
            "client_cores": self.cpu / self.seconds,
            **self.server,
        }


def _milliseconds(latencies: Sequence[float], prefix: str) -> dict[str, float | None]:
    if not latencies:
        return {prefix + name: None for name in QUANTILES}
    found = np.percentile(latencies, list(QUANTILES.values())) * 1000
    return {prefix + name: float(value) for name, value in zip(QUANTILES, found, strict=True)}


def agree(windows: Sequence[Window]) -> bool:
    """Whether the last three windows have the same boards a second, to 10 % of their mean."""
    rates = [window.boards / window.seconds for window in windows[-AGREEING:]]
    return len(rates) == AGREEING and max(rates) - min(rates) <= TOLERANCE * sum(rates) / AGREEING


def joined(windows: Sequence[Window]) -> Window:
    """Several windows as one; of the server's figures the mean, of its queue the most."""
    whole, known = Window(), dict[str, float]()
    for window in windows:
        whole.seconds += window.seconds
        whole.boards += window.boards
        whole.latencies += window.latencies
        whole.refusals += window.refusals
        whole.failed += window.failed
        whole.cpu += window.cpu
    for name in sorted(set.intersection(*(set(window.server) for window in windows))):
        values = [window.server[name] for window in windows]
        known[name] = max(values) if name == "queued_boards" else sum(values) / len(values)
    whole.server = known
    return whole
