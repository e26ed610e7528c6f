"""What `railyard search` and `railyard promote` take."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from railyard.core.config.component import PathKnob, in_words
from railyard.core.config.faults import blamed_on
from railyard.core.training.devices import Device
from railyard.core.verbs.verb import Job, Verb
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.artifacts.splits import FRACTION, SEED, SplitKind, batches_to_train_on
from railyard.tlg8.features.config import ANSWER_MODES
from railyard.tlg8.ranking.modes import Mode

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
WORDS = "a name of letters, digits and ._- that begins with a letter or digit, at most 100 characters"
RunId = Annotated[str, in_words(NAME, WORDS), Field(pattern=NAME)]
RUN_ID = "name of the run's folder below root; letters, digits and ._-"
ROOT = Path("outputs/tlg8")


class Search(Verb):
    """Searches features and heads for a ranker, trial by trial; the same call goes on where it was stopped."""

    pack: PathKnob | list[PathKnob] = Field(description="folder of a pack, or a list of some")
    run_id: RunId = Field(description=RUN_ID)
    root: PathKnob = Field(ROOT, description="folder of all runs")
    mode: Mode = Field("strict", description="strict is the source's own; the others relax it")
    trials: Annotated[int, Field(ge=1, le=100)] = Field(100, description="trials in all, at most 100")
    minutes: Annotated[float, Field(gt=0, le=60)] = Field(
        60.0, description="budget of a trial; one beyond it is logged"
    )
    smoke: bool = Field(False, description="one tiny trial, which shows in under a minute that all parts work")
    split: SplitKind = Field(
        "block", description="what is held out: blocks as the source does, images, or the last pack"
    )
    split_seed: Annotated[int, Field(ge=0)] = Field(SEED, description="which blocks are held out")
    fraction: Annotated[float, Field(gt=0, lt=1)] = Field(FRACTION, description="share of the blocks held out")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="initial weights, order, and what is proposed")
    max_epochs: Annotated[int, Field(ge=1)] = Field(
        60, description="epochs of a trial; early stopping ends most before"
    )
    patience: Annotated[int, Field(ge=1)] = Field(
        5, description="epochs without a lower loss before a trial is stopped"
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(512, description="blocks of a step")
    allow_answer: bool = Field(
        False,
        description="modes strict and ranking: admits the source's features that hold the answer; results are leaky",
    )
    device: Device = Field("auto", description="auto takes CUDA where it is; the result names it")

    @model_validator(mode="after")
    def _mode_admits_answers(self) -> Self:
        if self.allow_answer and self.mode not in ANSWER_MODES:
            admitted = " and ".join(ANSWER_MODES)
            raise ValueError(f"allow_answer is for the modes {admitted} alone, this is {self.mode}: leave it out")
        return self

    def plan(self, job: Job) -> str:
        with blamed_on("pack"):
            packs = [Pack.open(path) for path in (self.pack if isinstance(self.pack, list) else [self.pack])]
        with blamed_on("batch_size"):  # no trial would make a step
            batches_to_train_on(sum(len(pack.labels_N) for pack in packs), self.fraction, self.batch_size)
        return super().plan(job)

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.tlg8.training.search import search

        return search(self)

    def summary(self, result: dict[str, Any]) -> dict[str, Any]:
        """best.json has the Pareto front and all figures."""
        best = dict(result["best"] or {})
        if figures := best.pop("figures", None):
            best |= {name: value for name, value in figures.items() if name.startswith(("hit@", "excess@32"))}
        return {**{key: value for key, value in result.items() if key != "pareto_front"}, "best": best}


class Promote(Verb):
    """Copies a bundle to a run of its own, and never over one."""

    reads = ("bundle",)

    bundle: PathKnob = Field(description="folder of a bundle, or its bundle.json")
    run_id: RunId = Field(description=RUN_ID)
    root: PathKnob = Field(ROOT, description="folder of all runs")

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.tlg8.training.promote import promote

        return promote(self.bundle, self.root / self.run_id)
