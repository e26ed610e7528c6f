"""`railyard decode files=FOLDER out=FOLDER`: .tlg8 files to PNG."""

from typing import Any

from railyard.core.progress import counting
from railyard.core.verbs.launch import Job
from railyard.tlg8.images.config import Decode

ROOT = Decode


def run(job: Job) -> dict[str, Any]:
    with counting("decode", "files") as tick:
        return dict(job.root.run(tick))
