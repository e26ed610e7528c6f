"""`railyard teach out=PACK games=N depth=D`: expectimax games to a pack."""

import time
from typing import Any

from railyard.board.teaching.config import Teach
from railyard.core.progress import progress
from railyard.core.verbs.launch import Job

ROOT = Teach


def run(job: Job) -> dict[str, Any]:
    start = time.monotonic()
    with progress("teach", None, "games") as tick:

        def moves(done: int, games: int, played: int) -> None:
            tick(done, f"{played / (time.monotonic() - start):,.0f} moves/s", games)

        return dict(job.root.run(moves))
