"""`railyard teach out=PACK games=N depth=D`: expectimax games to a pack."""

import time
from typing import Any

from railyard.board.packs.teaching_config import Teach
from railyard.core.launch import Job
from railyard.core.progress import progress

ROOT = Teach


def run(job: Job) -> dict[str, Any]:
    start = time.monotonic()
    with progress("teach", None, "games") as tick:

        def moves(done: int, games: int, played: int) -> None:
            tick(done, f"{played / (time.monotonic() - start):,.0f} moves/s", games)

        return dict(job.root.run(moves))
