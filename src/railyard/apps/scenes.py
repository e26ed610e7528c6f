"""`railyard scenes kind=shapes|digits out=FOLDER n=N seed=SEED`: a data set of made scenes."""

from typing import Any

from railyard.core.progress import resuming
from railyard.core.verbs.launch import Job
from railyard.stage2.scenes.config import MakeScenes

ROOT = MakeScenes


def run(job: Job) -> dict[str, Any]:
    with resuming("scenes", "images") as tick:
        return dict(job.root.run(tick))
