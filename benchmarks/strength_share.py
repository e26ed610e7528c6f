"""What `board_strength` takes of a run of the quickstart at its default interval and games, in CPU time of one process.

The whole quickstart is trained, since the length of games, and so the time of a play, follows from what was learned:
three minutes of CPU time. Compiled code that is not in the cache yet counts for the first play.
"""

import tempfile
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.sample import sample_pack
from railyard.board.training import strength
from railyard.notebook import train

MOST = 0.05  # of the run's time


def measure() -> list[Figure]:
    plays: list[tuple[float, float]] = []
    original = strength.BoardStrength._play

    def timed(self: strength.BoardStrength, module: Any) -> strength.Figures:
        start = time.process_time()
        figures = original(self, module)
        plays.append((time.process_time() - start, figures["strength/mean_score"]))
        return figures

    strength.BoardStrength._play = timed  # type: ignore[method-assign]
    try:
        start = time.process_time()
        _train()
        whole = time.process_time() - start
    finally:
        strength.BoardStrength._play = original  # type: ignore[method-assign]
    share = sum(seconds for seconds, _ in plays) / whole
    told = ", ".join(f"{seconds:.1f} s at a mean score of {score:,.0f}" for seconds, score in plays)
    note = f"{len(plays)} plays: {told}; the run {whole:.0f} s of CPU time"
    return [
        Figure("board_strength in the quickstart", share, "of the run", f"<= {MOST}", share <= MOST, "", None, note)
    ]


def _train() -> None:
    with sample_pack(copies=1) as (pack, tokenizer), tempfile.TemporaryDirectory() as folder, chdir(folder):
        path = Path(folder) / "tokenizer.json"
        tokenizer.save(path)
        train(
            "experiment=board/quickstart",
            "callbacks=[default,board_strength]",
            f"data.pack={pack.path}",
            f"data.tokenizer={path}",
        )
