"""`railyard show path=PATH`: what an artifact holds, told apart by its files: a run, a pack, scenes, a tokenizer, …"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from railyard.apps.artifacts import COMMON
from railyard.core import rail
from railyard.core.config.component import PathKnob, with_keys
from railyard.core.errors import Negative, RailyardError, UserError
from railyard.core.rail import Artifact
from railyard.core.store import durable
from railyard.core.verbs.verb import Job, Verb


class Show(Verb):
    """The root of show.yaml."""

    verbatim = ("path",)  # folders of sessions have an equals sign in their path
    bare = "path"

    path: PathKnob = Field(
        description="a run folder, sweep, checkpoint, evaluation, pack, raw logs, session of annotate, tokenizer.json, "
        "init folder, .tlg8 files or scenes; `railyard show PATH` is short for it"
    )
    out: PathKnob | None = Field(
        None, description="also write what is shown to this .json file, or to a folder with its plots"
    )

    @classmethod
    def read_as(cls, config: Mapping[str, Any]) -> type[Self]:
        """With the keys that rails have for their artifacts."""
        return with_keys(cls, *(known.show_keys() for known in rail.known()))

    def perform(self, job: Job) -> dict[str, Any]:
        """Facts of the artifact; with `out` also written to that file, or to facts.json beside plots.

        Damage is what was found, not a mistake of the call: its exit code is 1, with the facts where there are some.
        """
        artifact = artifact_at(self.path)
        try:
            facts = artifact.describe(self.path, self)
        except UserError as fault:
            raise RailyardError(str(fault)) from None
        if self.out is not None and self.out.suffix == ".json":
            durable.write_json(self.out, facts)
        elif self.out is not None:
            self.out.mkdir(parents=True, exist_ok=True)
            durable.write_json(self.out / "facts.json", facts)
            artifact.draw(self.path, facts, self.out, self)
        if damaged := facts.get("damaged"):
            more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
            raise Negative(f"{self.path} is damaged: {damaged[0]}{more}", facts)
        return facts


def artifact_at(path: Path) -> Artifact:
    """Of the kinds that have files of such names the first; those of a run and other common names come last."""
    if not path.exists():
        raise UserError(f"there is nothing at {path}")
    kinds = [*COMMON, *(kind for known in rail.known() for kind in known.artifacts)]
    for kind in sorted(kinds, key=lambda kind: kind.is_common):
        if kind.fits(path):
            return kind
    *names, last = dict.fromkeys(kind.name for kind in kinds)
    raise UserError(f"{path} is neither {', '.join(names)} nor {last}")
