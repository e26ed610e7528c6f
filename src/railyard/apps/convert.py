"""`railyard convert source=FILE out=FOLDER`: COCO and other annotations to a data set of scenes."""

from typing import Any

from railyard.core.progress import resuming
from railyard.core.verbs.launch import Job
from railyard.stage2.scenes.config import Convert

ROOT = Convert


def run(job: Job) -> dict[str, Any]:
    with resuming("convert", "images") as tick:
        return dict(job.root.run(tick))
