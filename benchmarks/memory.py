"""Anonymous memory while training on a pack and on one ten times larger (mapped files do not count)."""

import sys
import tempfile
from pathlib import Path

from benchmarks.anonymous import peak_kib
from benchmarks.figure import Figure
from benchmarks.sample import sample_pack

STEPS = 40


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = (_peak(copies, Path(folder) / str(copies)) for copies in (20, 200))
    growth = large / small
    note = f"0.9M rows {small / 1024:,.0f} MiB, 9.4M rows {large / 1024:,.0f} MiB"
    return [
        Figure(
            "memory on a pack ten times larger", growth, "x", "unchanged", growth < 1.02, "the small pack", growth, note
        )
    ]


def _peak(copies: int, folder: Path) -> int:
    """Largest RssAnon in KiB of `railyard train` over some steps."""
    with sample_pack(copies) as (pack, tokenizer):
        path = folder / "tokenizer.json"
        tokenizer.save(path)
        words = [
            "train",
            "experiment=board/quickstart",
            f"data.pack={pack.path}",
            f"data.tokenizer={path}",
            f"paths.root_dir={folder}",
            f"trainer.max_steps={STEPS}",
            "trainer.limit_val_batches=2",
            f"trainer.val_check_interval={STEPS}",
        ]
        return peak_kib([sys.executable, "-m", "railyard.cli", *words])
