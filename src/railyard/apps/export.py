"""`railyard export run=RUN format=onnx|hf out=OUT`: a trained model in a format that other programs read."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from railyard.core import rail
from railyard.core.config.component import PathKnob
from railyard.core.config.faults import Fault
from railyard.core.errors import UserError
from railyard.core.rail import Format
from railyard.core.runs.folder import read_config
from railyard.core.verbs.verb import Job, Verb


class Export(Verb):
    """The root of export.yaml."""

    run: PathKnob | None = Field(None, description="a run folder, whose best weights are exported: its init/")
    bundle: PathKnob | None = Field(None, description="an init folder")
    format: str = Field(description="onnx, for a model of the board; hf, for one of stage2")
    out: PathKnob = Field(description="folder of what is made; it appears complete or not at all")

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.run is None) == (self.bundle is None):
            raise ValueError("give exactly one of run= and bundle=")
        return self

    def rules(self, job: Job) -> list[Fault]:
        names = sorted({each.name for known in rail.known() for each in known.formats})
        wrong = f"there is no format {self.format}; known: {', '.join(names)}"
        return [] if self.format in names else [Fault(("format",), wrong)]

    def perform(self, job: Job) -> dict[str, Any]:
        init = self.bundle or _init_of(self.run)
        return self._format(init).write(init, self.out, job.command)

    def _format(self, init: Path) -> Format:
        """Of the run's rail, else of the first rail whose init folder this is."""
        rails = rail.known() if self.run is None else [rail.of(read_config(self.run))]
        for known in rails:
            for each in known.formats:
                if each.name == self.format and each.fits(init):
                    return each
        raise UserError(f"{init} holds no model that format={self.format} is for: give the init folder of one")


def _init_of(run: Path | None) -> Path:
    assert run is not None
    read_config(run)  # says so where this is no run
    if not (run / "init").is_dir():
        raise UserError(f"{run} holds no init/, the weights that a finished run leaves: go on with train resume={run}")
    return run / "init"
