"""`railyard extract images=FOLDER out=PACK`: images to searched blocks."""

from typing import Any

from railyard.core.launch import Job
from railyard.core.progress import progress
from railyard.tlg8.artifacts.config import Extract

ROOT = Extract


def run(job: Job) -> dict[str, Any]:
    with progress("extract", None, "blocks") as tick:

        def blocks(done: int, total: int, before: int) -> None:
            tick(done - before, f"{before:,} done before" if before else "", total - before)

        return dict(job.root.run(blocks))
