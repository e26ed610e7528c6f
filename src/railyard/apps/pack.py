"""`railyard pack source=LOGS out=PACK`: raw teacher logs to a pack."""

from typing import Any

from railyard.board.packs.config import ImportLogs
from railyard.core.progress import counting
from railyard.core.verbs.launch import Job

ROOT = ImportLogs


def run(job: Job) -> dict[str, Any]:
    with counting("pack", "games") as tick:
        return dict(job.root.run(tick))
