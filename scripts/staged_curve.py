"""Excess bits of the staged search against its evaluations, as a plot and a table.

    .venv/bin/python scripts/staged_curve.py PACK [FIGURE.png]

PACK is a folder made by `railyard extract`, or an .npz with the columns `context` and `components`. Blocks are the
last tenth of a permutation with seed 1234, whole ones only. Bits are held against the gated search, which is the
reference encoder's, and against the least of all tuples; all of them Plain.
"""

import sys
import time
from pathlib import Path

import numpy as np

from railyard.core.runs.plots import curves
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.codec.selectors import Exhaustive, Gated, Staged

NS, MS = (1, 2, 3, 4, 8), (1, 2, 4, 8, 16, 32)
SEED, SHARE = 1234, 10
HEAD = ("n", "m", "evaluations", "against gated", "against the minimum", "ms a block")


def main(pack: Path, figure: Path) -> None:
    blocks = read(pack)
    gated, least = bits_of(Gated(entropy="plain"), blocks), bits_of(Exhaustive(entropy="plain"), blocks)
    print(f"{sum(len(contexts) for contexts in blocks.values()):,} blocks; the gated search costs", end=" ")
    print(f"{gated / least - 1:+.2%} against the minimum\n\n| {' | '.join(HEAD)} |\n|{' --: |' * len(HEAD)}")
    lines = {f"n={n}": [row(n, m, blocks, gated, least) for m in MS] for n in NS}
    named = {name: tuple(zip(*points, strict=True)) for name, points in lines.items()}
    curves(figure, "bits above the gated search, %; a point each for m = 1 … 32", named, "tuples evaluated for a block")


def read(pack: Path) -> dict[int, np.ndarray]:
    """Contexts of the held-out blocks by number of components."""
    if pack.suffix == ".npz":
        with np.load(pack) as columns:
            contexts, components = columns["context"], columns["components"]
    else:
        rows = Pack.open(pack).blocks_N
        rows = rows[(rows["width"] == 8) & (rows["height"] == 8)]
        contexts, components = rows["context"], rows["components"]
    held = np.random.default_rng(SEED).permutation(len(contexts))[-(len(contexts) // SHARE) :]
    return {count: contexts[held[components[held] == count]] for count in np.unique(components[held]).tolist()}


def bits_of(selector, blocks: dict[int, np.ndarray]) -> int:
    """Sum of the best tuples' bits."""
    total = 0
    for components, contexts in blocks.items():
        found = selector.find(contexts, np.full((len(contexts), 2), 8, np.uint8), components)
        total += int(found.bits_N2[:, 0].sum(dtype=np.int64))
    return total


def row(n: int, m: int, blocks: dict[int, np.ndarray], gated: int, least: int) -> tuple[float, float]:
    """Prints a row of the table; evaluations and excess over the gated search in %."""
    selector = Staged(n=n, m=m, entropy="plain")
    bits_of(selector, {count: contexts[:1] for count, contexts in blocks.items()})  # compiles
    start = time.process_time()
    bits = bits_of(selector, blocks)
    per_block = (time.process_time() - start) / sum(len(contexts) for contexts in blocks.values())
    cells = (
        n,
        m,
        selector.evaluations,
        f"{bits / gated - 1:+.2%}",
        f"{bits / least - 1:+.2%}",
        f"{1e3 * per_block:.3f}",
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return selector.evaluations, 100 * (bits / gated - 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images/staged_curve.png"))
