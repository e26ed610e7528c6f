"""Page-cached shards to collated, tokenised batches in random order, one core."""

from benchmarks.figure import Figure, best_rate
from benchmarks.plain import PlainRows
from benchmarks.sample import sample_pack
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.collate import Collate
from railyard.core.store.order import Permutation

BATCH = 1024


def measure() -> list[Figure]:
    with sample_pack(copies=100) as (pack, tokenizer):
        order = Permutation(len(pack), 7)
        collate = Collate(pack, tokenizer)
        augmentation = Augmentation(rotations=True, flips=True)
        plain = PlainRows(pack, tokenizer)

        def ours() -> int:
            for start in range(0, 400 * BATCH, BATCH):
                collate(order.take(start, start + BATCH))
            return 400 * BATCH

        def turned() -> int:
            for start in range(0, 400 * BATCH, BATCH):
                rows = order.take(start, start + BATCH)
                collate(rows, augmentation.turns(rows, 7))
            return 400 * BATCH

        def loop() -> int:
            plain.batch(order.take(0, BATCH))
            return BATCH

        rates = {"": best_rate(ours), ", rotated and flipped": best_rate(turned)}
        plain_rate = best_rate(loop)
    note = f"{len(pack):,} rows, batches of {BATCH}, order included"
    return [
        Figure(
            f"collated, tokenised rows{how}, random order",
            rate,
            "rows/s",
            ">= 4,000,000 rows/s",
            rate >= 4e6,
            "a Python loop over rows",
            rate / plain_rate,
            note,
        )
        for how, rate in rates.items()
    ]
