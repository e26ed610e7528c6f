"""`railyard replay run=RUN`: a training run done again from its folder; exit code 0 if the bits are the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.errors import Negative
from railyard.core.runs.catalog.lookup import run_folder
from railyard.core.runs.folder import experiment_of
from railyard.core.verbs.verb import Job, Verb


class Replay(Verb):
    """The root of replay.yaml."""

    has_folder = True
    verbatim = ("run",)

    run: str = Field(description="a training run: its folder, the beginning of its name, or its short id")
    root: PathKnob = Field(Path("outputs"), description="the folder that a name is looked for in")

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str:
        """A replay lies under the experiment of its run."""
        return experiment_of(run_folder(config["run"], Path(config["root"]))) if config.get("run") else "none"

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.core.training.replay import replay

        assert job.folder is not None
        found = replay(run_folder(self.run, self.root), job.folder, job.command, self.allow)
        if not found["identical"]:
            raise Negative(f"the replay differs from {found['run']}", found)
        return found
