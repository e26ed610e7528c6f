"""The tokenizer alone over rows in their own order, one core."""

from benchmarks.figure import Figure, best_rate
from benchmarks.plain import PlainRows
from benchmarks.sample import sample_pack


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

        rate, plain_rate = best_rate(ours), best_rate(loop)
    return [
        Figure(
            "tokenizer encode, rows in order",
            rate,
            "rows/s",
            ">= 10,000,000 rows/s",
            rate >= 1e7,
            "a Python loop over rows",
            rate / plain_rate,
        )
    ]
