"""The tokenizer alone over rows in their own order, one core."""

import time

from benchmarks.figure import Figure, best_rate, cost
from benchmarks.plain import PlainRows
from benchmarks.sample import sample_pack
from benchmarks.yardstick import COPIED_BYTES, SPEED, Copy, in_turns

TARGET = 1e7  # rows/s


def measure() -> list[Figure]:
    with sample_pack(copies=40) as (pack, tokenizer):
        rows = next(pack.rows.chunks(1_000_000))[1].copy()
        plain = PlainRows(pack, tokenizer)
        assert (plain.tokens(rows[:500]) == tokenizer.encode(rows[:500], pack.valuation_names)).all()

        def ours() -> int:
            tokenizer.encode(rows, pack.valuation_names)
            return len(rows)

        def loop() -> int:
            plain.tokens(rows[:2000])
            return 2000

        pair, plain_rate = in_turns(ours, Copy()), best_rate(loop, clock=time.process_time)
    return [
        cost(
            "tokenizer encode, a row, rows in order",
            pair,
            COPIED_BYTES,
            SPEED[COPIED_BYTES] / TARGET,
            "a Python loop over rows",
            pair.rate / plain_rate,
            f"{pair.rate:,.3g} rows/s",
        )
    ]
