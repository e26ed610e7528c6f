"""`railyard extract images=FOLDER out=PACK`: images to searched blocks."""

from typing import Any

from railyard.core.progress import resuming
from railyard.core.verbs.launch import Job
from railyard.tlg8.artifacts.config import Extract

ROOT = Extract


def run(job: Job) -> dict[str, Any]:
    with resuming("extract", "blocks") as tick:
        return dict(job.root.run(tick))
