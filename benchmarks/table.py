"""`./run bench [name …]`: the table of figures, each against a named alternative in the same run.

Ratios carry over between machines better than rates; both are printed. Close other programs first.
"""

import importlib
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import HEADER, Figure
from railyard.core.runs.reporting import table

NAMES = (
    "collate",
    "tokenize_rows",
    "fit_tokenizer",
    "trainer_step",
    "strength_share",
    "resume_position",
    "mixes",
    "help",
    "memory",
    "pack_logs",
    "merge_packs",
    "cold_pack",
    "list_runs",
    "endgame_tables",
    "teach_games",
    "tlg8_gated",
    "tlg8_staged",
    "tlg8_table",
    "tlg8_decode",
    "tlg8_dataset",
    "tlg8_ranking",
    "batch_engine",
    "play_loop",
    "annotate",
    "rejection",
    "mixes_ready",
    "review",
    "review_pages",
    "viewer",
    "inference",
    "serve_start",
    "expectimax",
    "nneonneo",
    "scenes",
    "two_cores",
    "stage2_cross_entropy",
    "stage2_forwards",
    "stage2_step",
    "stage2_box_losses",
    "stage2_semantic_gate",
    "stage2_rollouts",
    "first_use",
    "stage2_middle",
)


def main() -> None:
    unknown = [name for name in sys.argv[1:] if name not in NAMES]
    if unknown:
        sys.exit(f"there is no figure '{unknown[0]}'; known: {', '.join(NAMES)}")
    figures: list[Figure] = []
    for name in sys.argv[1:] or NAMES:
        sys.stderr.write(f"measuring {name}\n")
        figures += importlib.import_module(f"benchmarks.{name}").measure()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}\n")
    print(table(HEADER, [figure.cells() for figure in figures]))


if __name__ == "__main__":
    main()
