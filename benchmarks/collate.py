"""Page-cached shards to collated, tokenised batches in random order, one core."""

import time

from benchmarks.figure import Figure, best_rate, cost
from benchmarks.plain import PlainRows
from benchmarks.sample import sample_pack
from benchmarks.yardstick import COPIED_BYTES, SPEED, Copy, in_turns
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.collate import Collate
from railyard.core.store.order import Permutation

BATCH = 1024
TARGET = 4e6  # rows/s


def measure() -> list[Figure]:
    with sample_pack(copies=100) as (pack, tokenizer):
        order = Permutation(len(pack), 7)
        collate = Collate([pack], tokenizer)
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

        copy = Copy()
        pairs = {"": in_turns(ours, copy), ", rotated and flipped": in_turns(turned, copy)}
        plain_rate = best_rate(loop, clock=time.process_time)
    note = f"{len(pack):,} rows, batches of {BATCH}, order included"
    return [
        cost(
            f"a collated, tokenised row{how}, random order",
            pair,
            COPIED_BYTES,
            SPEED[COPIED_BYTES] / TARGET,
            "a Python loop over rows",
            pair.rate / plain_rate,
            f"{pair.rate:,.3g} rows/s; {note}",
        )
        for how, pair in pairs.items()
    ]
