"""Fitting a tokenizer, one core: rows a second, and anonymous memory on a pack ten times larger."""

import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.anonymous import peak_kib
from benchmarks.figure import Figure, best_rate, cost
from benchmarks.sample import sample_pack
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.board.packs.pack import Pack
from railyard.board.tokens.fit import fit

BINS, CUTOFF = 32, -1500
ROWS, SECONDS = 50_000_000, 60  # the target
FIT = """
import sys
from railyard.board.packs.pack import Pack
from railyard.board.tokens.fit import fit
fit(Pack.open(sys.argv[1]))
"""


def measure() -> list[Figure]:
    with sample_pack(copies=40) as (pack, _):
        edges = fit(pack, BINS, CUTOFF).edges
        assert all((in_memory(pack, name)[:-1] == edges[name][:-1]).all() for name in edges)
        pair = in_turns(lambda: fit(pack, BINS, CUTOFF) and len(pack), multiply_adds)
        plain = best_rate(lambda: len([in_memory(pack, name) for name in edges]) and len(pack), clock=time.process_time)
        small = _peak(pack.path)
    with sample_pack(copies=400) as (pack, _):
        large = _peak(pack.path)
    growth = large / small
    return [
        cost(
            "tokenizer fit, a row",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] * SECONDS / ROWS,
            "np.quantile on everything in memory",
            pair.rate / plain,
            f"{ROWS:,} rows in {ROWS / pair.rate:.0f} s",
        ),
        Figure(
            "memory of a fit, ten times the rows",
            growth,
            "x",
            "unchanged within 10 %",
            growth < 1.1,
            "the small pack",
            growth,
            f"1.9M rows {small / 1024:,.0f} MiB, 18.8M rows {large / 1024:,.0f} MiB",
        ),
    ]


def in_memory(pack: Pack, name: str) -> np.ndarray:
    """Quantiles of the worse moves of one valuation type, whose rows all lie in memory."""
    rows = np.concatenate([rows for _, rows in pack.rows.chunks(1 << 20)])
    rows = rows[rows["valuation_type"] == pack.valuation_names.index(name)]
    is_search, played = name == "search", rows["move_dir"][:, None].astype(np.int64)
    values_N4 = rows["branch_evs"].astype(np.float64)
    if is_search:
        values_N4 = np.rint(values_N4 * 1000) - rows["board_eval"][:, None]
    below_N4 = values_N4 - np.take_along_axis(values_N4, played, axis=1)
    fails_N4 = values_N4 < CUTOFF if is_search else values_N4 <= 1e-9
    legal_N4 = (rows["ev_legal"][:, None] >> np.arange(4)) & 1 == 1
    worse = below_N4[legal_N4 & ~fails_N4 & (below_N4 < (-0.5 if is_search else -1e-9))]
    return np.quantile(worse, np.linspace(0, 1, BINS + 1))


def _peak(pack: Path) -> int:
    """Largest RssAnon in KiB of a process that fits a tokenizer to a pack."""
    return peak_kib([sys.executable, "-c", FIT, str(pack)])
