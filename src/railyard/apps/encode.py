"""`railyard encode images=FOLDER out=FOLDER selector=gated|exhaustive|staged`: images to .tlg8 files."""

from typing import Any

from railyard.core.progress import progress
from railyard.core.verbs.launch import Job
from railyard.tlg8.images.config import Encode

ROOT = Encode


def run(job: Job) -> dict[str, Any]:
    with progress("encode", None, "images") as tick:
        return dict(job.root.run(lambda done, images, note: tick(done, note, images)))


def text(result: dict[str, Any]) -> str:
    from railyard.tlg8.images.encoding_table import table

    return table(result)
