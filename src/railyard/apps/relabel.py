"""`railyard relabel pack=PACK out=PACK depth=D`: new values for a pack."""

from typing import Any

from railyard.board.teaching.config import Relabel
from railyard.core.progress import counting
from railyard.core.verbs.launch import Job

ROOT = Relabel


def run(job: Job) -> dict[str, Any]:
    with counting("relabel", "rows") as tick:
        return dict(job.root.run(tick))
