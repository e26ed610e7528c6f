"""`data.rejection`: which rows a run trains on, in both forms, and the one meaning that they have.

The short form names filters over one session of annotations; the full form names phases, each a list of mixes of any
packs. `Rejection.resolved()` gives the phases of either, with all that a later phase inherits filled in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from railyard.board.training.filters.filter import Filter
from railyard.board.training.filters.registry import filter_of
from railyard.core.config.component import Component, PathKnob, in_words
from railyard.core.errors import UserError

MOST_MIXES = 255  # ids of a run: a batch holds them as uint8
PASSTHROUGH = ("passthrough", "all", "random_all")  # the one filter that reads no annotations

MixId = Annotated[
    str,
    Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
    in_words(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", "letters, digits, '_', '-' and '.', with a letter or digit first"),
]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Epochs = Annotated[int, Field(ge=1)]


class NamedFilter(Component):
    """A filter of Railyard's by its name; one of your own stands here by its `_target_` instead."""

    name: str = Field(description="of a filter; `railyard filters` lists them")
    params: dict[str, Any] = Field({}, description="the filter's knobs")

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        _refuse_unknown(self.name, self.params)
        return self


class ShortFilter(Component):
    """One filter of the short form, over the rows of data.pack."""

    id: MixId = Field(description="what the mix is called in logs, metrics and caches")
    name: str | None = Field(None, description="of a filter; `railyard filters` lists them")
    params: dict[str, Any] = Field({}, description="the filter's knobs")
    filter: Filter | None = Field(None, description="instead of name: a filter of your own by its _target_")
    weight: Weight = Field(description="share of the rows of an epoch, beside the weights of the other filters")
    anneal_until_epoch: Epochs | None = Field(
        None, description="takes part in the first so many epochs, then the others share its weight; null: in all"
    )

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        if (self.name is None) == (self.filter is None):
            raise ValueError("give the filter's name, or a filter of your own as filter._target_=…: one of the two")
        if self.params and self.name is None:
            raise ValueError("params go with a name; the knobs of a filter of your own stand beside its _target_")
        if self.name is not None:
            _refuse_unknown(self.name, self.params)
        return self

    @property
    def wanted(self) -> NamedFilter | Filter:
        return NamedFilter(name=self.name, params=self.params) if self.name is not None else self.filter  # type: ignore[return-value]


class Mix(Component):
    """A share of the rows of a phase; a later phase may leave out what an id has said already."""

    id: MixId = Field(description="what the mix is called in logs, metrics and caches")
    dataset: PathKnob | None = Field(None, description="folder of its pack; null: as in an earlier phase")
    annotation: PathKnob | None = Field(
        None, description="folder of annotations of that pack; null: as in an earlier phase, and none for passthrough"
    )
    filter: NamedFilter | Filter | None = Field(
        None,
        description="{name: …, params: {…}}, or one of your own by its _target_; null: as in an earlier phase",
    )
    weight: Weight = Field(description="share of the rows of an epoch, beside the other weights of its phase")
    upsample: bool | None = Field(
        None,
        description="true repeats rows evenly where the filter finds fewer than the share; false gives what there is, "
        "and the epoch is shorter; null: as in an earlier phase, else false",
    )


class Phase(Component):
    """Mixes that are in force up to an epoch."""

    until_epoch: Epochs | None = Field(
        None, description="in force for the first so many epochs of the run; null, in the last phase alone: to the end"
    )
    mix: Annotated[list[Mix], Field(min_length=1)] = Field(description="what the rows of an epoch are made of")

    @model_validator(mode="after")
    def _each_id_once(self) -> Self:
        _refuse_doubled([mix.id for mix in self.mix])
        return self


@dataclass(frozen=True)
class ResolvedMix:
    """A mix with nothing left to inherit. `dataset` None is data.pack."""

    id: str
    dataset: Path | None
    annotation: Path | None
    filter: NamedFilter | Filter
    weight: float
    upsample: bool


@dataclass(frozen=True)
class ResolvedPhase:
    """Mixes of the epochs from `first_epoch` up to and without `until_epoch`; None: to the end."""

    first_epoch: int
    until_epoch: int | None
    mixes: tuple[ResolvedMix, ...]


class Rejection(Component):
    """Rows chosen by what a model said of them: the short form has annotation_dir and filters, the full form phases."""

    annotation_dir: PathKnob | None = Field(None, description="short form: a session of annotations of data.pack")
    filters: list[ShortFilter] | None = Field(None, description="short form: filters over its rows, each with a weight")
    phases: list[Phase] | None = Field(None, description="full form: mixes of any packs, phase after phase")
    cache_dir: PathKnob | None = Field(
        None, description="folder where the row numbers that filters find are kept; null: found anew at every start"
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(
        None, description="the order of rows within the mixes; null: data.order_seed"
    )
    validate_only: bool = Field(False, description="check and print the plan alone, as validate_config=true does")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.filters and self.phases:
            raise ValueError("filters (the short form) and phases (the full form) stand beside each other: drop one")
        if not self.filters and not self.phases:
            raise ValueError("nothing is chosen: give filters (with annotation_dir), or phases")
        if self.phases and self.annotation_dir is not None:
            raise ValueError("annotation_dir belongs to filters; in phases each mix says its annotation")
        self.resolved()
        return self

    def resolved(self) -> tuple[ResolvedPhase, ...]:
        """The phases that either form means. ValueError where a rule between the parts is broken."""
        found = tuple(self._full(self.phases) if self.phases else self._short(self.filters or []))
        if len(ids_of(found)) > MOST_MIXES:
            raise ValueError(f"{len(ids_of(found))} mixes are too many: a batch tells at most {MOST_MIXES} ids apart")
        return found

    def _short(self, filters: list[ShortFilter]) -> Iterator[ResolvedPhase]:
        """A phase begins where a filter drops out."""
        _refuse_doubled([one.id for one in filters])
        ends = sorted({one.anneal_until_epoch for one in filters if one.anneal_until_epoch is not None})
        if all(one.anneal_until_epoch is not None for one in filters):
            raise ValueError(
                f"all filters have dropped out from epoch {ends[-1]} on, and nothing is left to train on: leave "
                "anneal_until_epoch out of one"
            )
        firsts = [0, *ends]
        for first, until in zip(firsts, [*ends, None], strict=True):
            active = [one for one in filters if one.anneal_until_epoch is None or one.anneal_until_epoch > first]
            yield ResolvedPhase(first, until, tuple(map(self._short_mix, active)))

    def _short_mix(self, one: ShortFilter) -> ResolvedMix:
        mix = ResolvedMix(one.id, None, self.annotation_dir, one.wanted, one.weight, upsample=True)
        return _annotated(mix, "annotation_dir is left out")

    def _full(self, phases: list[Phase]) -> Iterator[ResolvedPhase]:
        known: dict[str, ResolvedMix] = {}
        first = 0
        for number, phase in enumerate(phases, 1):
            last = number == len(phases)
            if phase.until_epoch is None and not last:
                raise ValueError(f"phase {number} has no until_epoch, so those after it would never begin: give it one")
            if phase.until_epoch is not None and phase.until_epoch <= first:
                raise ValueError(
                    f"phase {number} ends with epoch {phase.until_epoch} and begins with {first}: until_epoch has to "
                    "grow from phase to phase"
                )
            mixes = tuple(_inherited(mix, known.get(mix.id), number) for mix in phase.mix)
            known.update({mix.id: mix for mix in mixes})
            yield ResolvedPhase(first, None if last else phase.until_epoch, mixes)
            first = phase.until_epoch or first


def ids_of(phases: tuple[ResolvedPhase, ...]) -> list[str]:
    """Ids of all mixes, in the order in which they first appear; a batch names them by their place here."""
    return list(dict.fromkeys(mix.id for phase in phases for mix in phase.mixes))


def sources_of(phases: tuple[ResolvedPhase, ...]) -> dict[str, ResolvedMix]:
    """Each mix where it first appears, by id; later ones differ in weight and upsample alone."""
    found: dict[str, ResolvedMix] = {}
    for phase in phases:
        for mix in phase.mixes:
            found.setdefault(mix.id, mix)
    return found


def phase_at(phases: tuple[ResolvedPhase, ...], epoch: int) -> int:
    """The number of the phase that is in force in an epoch, both from 0."""
    return max(number for number, phase in enumerate(phases) if phase.first_epoch <= epoch)


def reads_annotations(wanted: NamedFilter | Filter) -> bool:
    """Whether a filter needs a session; passthrough takes all rows."""
    return not (isinstance(wanted, NamedFilter) and wanted.name in PASSTHROUGH)


def _inherited(mix: Mix, before: ResolvedMix | None, phase: int) -> ResolvedMix:
    if before is None:
        missing = [name for name in ("dataset", "filter") if getattr(mix, name) is None]
        if missing:
            raise ValueError(
                f"mix {mix.id} of phase {phase} leaves out {' and '.join(missing)}, and no earlier phase has that id: "
                "say it here, or use an id of an earlier phase"
            )
        assert mix.filter is not None
        found = ResolvedMix(mix.id, mix.dataset, mix.annotation, mix.filter, mix.weight, bool(mix.upsample))
        return _annotated(found, f"mix {mix.id} of phase {phase} leaves out its annotation")
    for name in ("dataset", "annotation", "filter"):
        if getattr(mix, name) not in (None, getattr(before, name)):
            raise ValueError(
                f"mix {mix.id} of phase {phase} has another {name} than before: an id stands for the same rows in all "
                "phases, so use another id"
            )
    upsample = before.upsample if mix.upsample is None else mix.upsample
    return ResolvedMix(mix.id, before.dataset, before.annotation, before.filter, mix.weight, upsample)


def _annotated(mix: ResolvedMix, left_out: str) -> ResolvedMix:
    if mix.annotation is None and reads_annotations(mix.filter):
        name = mix.filter.name if isinstance(mix.filter, NamedFilter) else type(mix.filter).__name__
        raise ValueError(
            f"{left_out}, and the filter {name} reads annotations: make them with `railyard annotate` and name their "
            "folder (passthrough alone needs none)"
        )
    return mix


def _refuse_unknown(name: str, params: dict[str, Any]) -> None:
    """ValueError for a filter or a parameter that there is not."""
    try:
        filter_of({"name": name, "params": params})
    except UserError as fault:
        raise ValueError(str(fault)) from None


def _refuse_doubled(ids: list[str]) -> None:
    if doubled := [name for name in ids if ids.count(name) > 1]:
        raise ValueError(f"the id {doubled[0]} stands twice: each mix needs an id of its own")


def described(wanted: NamedFilter | Filter) -> Mapping[str, Any]:
    """A filter as provenance and caches keep it: its name or class, and its knobs."""
    if isinstance(wanted, NamedFilter):
        return {"name": wanted.name, "params": dict(wanted.params)}
    name = f"{type(wanted).__module__}.{type(wanted).__qualname__}"
    return {"name": name, "params": wanted.model_dump(mode="json")}
