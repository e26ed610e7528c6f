"""`railyard relabel pack=PACK out=PACK depth=D`: new values for a pack."""

from typing import Any

from railyard.board.packs.teaching_config import Relabel
from railyard.core.launch import Job
from railyard.core.progress import counting

ROOT = Relabel


def run(job: Job) -> dict[str, Any]:
    with counting("relabel", "rows") as tick:
        return dict(job.root.run(tick))
