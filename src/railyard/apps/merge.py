"""`railyard merge left=PACK right=PACK out=PACK`: two packs to one."""

from typing import Any

from railyard.board.packs.config import MergePacks
from railyard.core.progress import counting
from railyard.core.verbs.launch import Job

ROOT = MergePacks


def run(job: Job) -> dict[str, Any]:
    with counting("merge", "rows") as tick:
        return dict(job.root.run(tick))
