"""`railyard evaluate run=RUN`: a model on held-out data as its rail judges it, with a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from railyard.core import rail
from railyard.core.config.component import PathKnob, with_keys
from railyard.core.config.targets import Signature, resolve
from railyard.core.errors import UserError
from railyard.core.runs.folder import experiment_of, read_config
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable
from railyard.core.training.experiment import Data
from railyard.core.training.subject import Subject, find
from railyard.core.verbs.verb import Job, Verb


class Evaluate(Verb):
    """What `railyard evaluate` looks at."""

    has_folder = True

    run: PathKnob | None = Field(None, description="a run folder; its best weights and its data")
    ckpt_path: PathKnob | None = Field(None, description="a checkpoint inside a run folder")
    bundle: PathKnob | None = Field(None, description="an init folder; needs data=")
    data: Data | dict[str, Any] = Field(
        {}, description="other data than the run's: data=board_pack data.pack=PACK, or single keys of the run's data"
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        given = [name for name in ("run", "ckpt_path", "bundle") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of run=, ckpt_path= and bundle=, got {', '.join(given) or 'none'}")
        return self

    @classmethod
    def read_as(cls, config: Mapping[str, Any]) -> type[Self]:
        """With the keys of the subject's rail; of all rails while nothing says which that is."""
        run = _run_of(config)
        of_run = read_config(run) if run and (run / "config.yaml").is_file() else {}
        data = of_run.get("data")
        subject = {
            **of_run,
            "allow": config.get("allow"),
            "data": {**(data if isinstance(data, Mapping) else {}), **(config.get("data") or {})},
        }
        rails = [rail.of(subject)] if of_run or config.get("data") else rail.known()
        return with_keys(cls, *(known.evaluation() for known in rails))

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str:
        """Evaluations lie under the experiment of the run they look at."""
        run = _run_of(config)
        return experiment_of(run) if run else "bundle"

    def plan(self, job: Job) -> str:
        """Finds the subject, so that what is not there is said before a folder is made."""
        self._checked()
        return super().plan(job)

    def perform(self, job: Job) -> dict[str, Any]:
        assert job.folder is not None
        durable.write_json(job.folder / "provenance.json", provenance(job.command, allow=self.allow))
        return self._into(job.folder)

    def _into(self, out: Path, stage: Literal["validation", "test"] = "validation") -> dict[str, Any]:
        """Evaluate and write the report into `out`; a model of no rail by its own step of that stage."""
        subject = self._checked()
        if isinstance(self, rail.Evaluation) and not _is_own(subject):
            return self.evaluate(subject, out)
        from railyard.core.training import own_evaluation

        return own_evaluation.evaluate(subject, out, stage)

    def _checked(self) -> Subject:
        """The subject. UserError where it is seen to be wrong without loading anything."""
        subject = find(self.data, self.run, self.ckpt_path, self.bundle, self.allow)
        if _is_own(subject):
            self._refuse_keys_of_rails()
        elif isinstance(self, rail.Evaluation):
            self.check(subject)
        else:
            raise UserError(
                "this model and its data are of no rail that has an evaluation: give run= of a training run"
            )
        return subject

    def _refuse_keys_of_rails(self) -> None:
        """UserError for a key that a module of the user's own knows nothing of."""
        own = {*Evaluate.model_fields}
        for name, field in type(self).model_fields.items():
            if name not in own and getattr(self, name) != field.get_default(call_default_factory=True):
                raise UserError(f"{name} is a key for a rail's own models; this one is judged by its validation_step")

    def summary(self, result: dict[str, Any]) -> dict[str, Any]:
        """Report and JSON hold the groups."""
        return {key: value for key, value in result.items() if not key.startswith("by_")}


def evaluate(
    subject: Mapping[str, Any], out: Path, stage: Literal["validation", "test"] = "validation"
) -> dict[str, Any]:
    """The evaluation of `run` or `ckpt_path` with the usual keys, as `train` makes it for test=true."""
    return Evaluate.read_as(subject)(**subject)._into(out, stage)


def _is_own(subject: Subject) -> bool:
    """Whether the model is a module of no rail's, which Lightning judges."""
    model = subject.config.get("model")
    target = model.get("_target_") if isinstance(model, Mapping) else None
    allow = subject.config.get("allow")
    if not isinstance(target, str) or rail.has(target):
        return False
    return isinstance(resolve(target, allow if isinstance(allow, list) else []), Signature)


def _run_of(config: Mapping[str, Any]) -> Path | None:
    """The run that a plain call names, itself or by a checkpoint inside it."""
    run, checkpoint = config.get("run"), config.get("ckpt_path")
    return Path(run) if run else Path(checkpoint).resolve().parent.parent if checkpoint else None
