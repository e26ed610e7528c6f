"""The mixes of `data.rejection`, opened: their packs, the rows that filters find, and how many each gives to an epoch.

No torch: the plan reads it, too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from railyard.board.packs.pack import Pack
from railyard.board.training.rejection.config import (
    NamedFilter,
    Rejection,
    ResolvedMix,
    ResolvedPhase,
    described,
    sources_of,
)
from railyard.board.training.rejection.selecting import Selection, select
from railyard.board.training.split import SelectedRows, Split
from railyard.core.config.faults import Fault, FaultyConfig, blamed_on
from railyard.core.training.shares import MixPhase, Shares

if TYPE_CHECKING:
    from railyard.board.training.config import PackData


LOOKED_AT = 4096  # rows of a mix whose kind of values is compared with the tokenizer's


@dataclass(frozen=True, eq=False)
class OpenMix:
    """A mix with its pack and its rows: those that its filter found, and of them those of training runs."""

    mix: ResolvedMix
    pack: Pack
    selection: Selection
    rows: SelectedRows

    @property
    def filter_name(self) -> str:
        wanted = self.mix.filter
        return wanted.name if isinstance(wanted, NamedFilter) else type(wanted).__name__

    def matched(self) -> str:
        """What the filter found, in words."""
        return f"{self.filter_name} matched {100 * self.selection.coverage:.1f} %"

    def facts(self) -> dict[str, Any]:
        """What the provenance keeps: another pack, session, filter or number of rows is another run."""
        return {
            "pack_fingerprint": self.pack.fingerprint(),
            "session": self.selection.session,
            "filter": dict(described(self.mix.filter)),
            "matched": self.selection.matched,
            "train_rows": len(self.rows),
            **self.selection.facts,
        }


@dataclass(frozen=True, eq=False)
class Mixes:
    """All mixes of a run, in the order of their ids, and the phases in which they take part."""

    mixes: tuple[OpenMix, ...]
    phases: tuple[ResolvedPhase, ...]
    epoch_rows: int
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.mix.id for one in self.mixes)

    def shares(self, global_batch: int) -> Shares:
        """How many rows each mix gives to each epoch, in batches of all ranks."""
        rows = tuple(len(one.rows) for one in self.mixes)
        return Shares(rows, tuple(map(self._phase, self.phases)), self.epoch_rows, global_batch)

    def _phase(self, phase: ResolvedPhase) -> MixPhase:
        own = {mix.id: mix for mix in phase.mixes}
        weights = tuple(float(own[name].weight) if name in own else 0.0 for name in self.names)
        return MixPhase(phase.first_epoch, weights, tuple(name in own and own[name].upsample for name in self.names))


def open_mixes(data: "PackData", primary: Pack, split: Split) -> Mixes:
    """Opens every pack once and runs every filter, or reads its cache. FaultyConfig says which mix is wrong, and how.

    primary and split: data.pack, and how it is split; other packs are split by the same fraction and seed.
    """
    rejection = data.rejection
    assert rejection is not None
    phases = rejection.resolved()
    packs = {_place(primary.path): (primary, split)}
    mixes = tuple(_opened(data, rejection, mix, packs) for mix in sources_of(phases).values())
    rows = data.samples_per_epoch or int(primary.runs.steps[split.train].sum())
    seed = data.order_seed if rejection.seed is None else rejection.seed
    return Mixes(mixes, phases, rows, seed)


def _opened(data: "PackData", rejection: Rejection, mix: ResolvedMix, packs: dict[str, tuple[Pack, Split]]) -> OpenMix:
    with _blamed_on_mix(mix):
        place = _place(mix.dataset or data.pack)
        if place not in packs:
            pack = Pack.open(place if mix.dataset is None else mix.dataset)
            packs[place] = pack, Split.of(pack.runs.steps, data.validation_fraction, data.split_seed)
        pack, split = packs[place]
        selection = select(mix, pack, rejection.cache_dir)
        return OpenMix(mix, pack, selection, SelectedRows(pack.runs.starts, split.train, selection.rows))


@contextmanager
def _blamed_on_mix(mix: ResolvedMix) -> Iterator[None]:
    try:
        with blamed_on("data", "rejection"):
            yield
    except FaultyConfig as fault:
        raise FaultyConfig(*(Fault(one.key, f"mix {mix.id}: {one.message}") for one in fault.faults)) from None


def _place(folder: Path) -> str:
    return os.path.realpath(folder)


def refuse_impossible(mixes: Mixes, shares: Shares) -> None:
    """FaultyConfig where a phase has no rows at all, no batch, or a mix whose share is less than a row an epoch."""
    for number, phase in enumerate(mixes.phases):
        names = [mix.id for mix in phase.mixes]
        if not any(rows for rows, name in zip(shares.rows, mixes.names, strict=True) if name in names):
            _refuse("rejection", f"phase {number + 1} has no rows to train on: {', '.join(names)} found none")
        least, rows = shares.smallest_share(number)
        if rows < 1:
            _refuse(
                "rejection",
                f"mix {mixes.names[least]} of phase {number + 1} has a share of {rows:.3g} rows an epoch of "
                f"{shares.epoch_rows:,}: raise its weight or data.samples_per_epoch",
            )
        if shares.batches(phase.first_epoch) == 0:
            have = sum(shares.available(phase.first_epoch))
            _refuse(
                "batch_size",
                f"a batch of {shares.global_batch} rows over all ranks is larger than the {have} rows of an epoch: "
                "lower it, or raise data.samples_per_epoch",
            )


def _refuse(key: str, message: str) -> None:
    raise FaultyConfig(Fault(("data", key), message))


def epoch_lines(mixes: Mixes, shares: Shares, epoch: int, drawn: "np.ndarray[Any, Any]") -> list[str]:
    """What each mix gives to an epoch, `drawn` int64 [M] rows of it: unique, repeated and clipped ones, a line each."""
    wanted, available = shares.wanted(epoch), shares.available(epoch)
    found = []
    for number, one in enumerate(mixes.mixes):
        if wanted[number]:
            rows = int(drawn[number])
            unique = min(rows, shares.rows[number])
            found.append(
                f"epoch {epoch}: {one.mix.id}: {rows:,} drawn, {unique:,} unique, {rows - unique:,} repeated, "
                f"{wanted[number] - available[number]:,} clipped; {one.matched()}"
            )
    return found


def refuse_misfit_labels(mixes: Mixes, labels: Any) -> None:
    """FaultyConfig where the tokenizer was not fitted on a kind of values that the rows of a mix have.

    Looks at some thousand rows of each mix; another kind that hides between them is refused when it is read.
    """
    for one in mixes.mixes:
        kinds = getattr(labels.tables(one.pack.valuation_names), "kinds", None)
        if kinds is None or not len(one.rows):
            continue  # the move alone is learned
        places = np.linspace(0, len(one.rows) - 1, min(len(one.rows), LOOKED_AT)).astype(np.int64)
        found = np.unique(one.pack.rows.gather(one.rows.rows(places))["valuation_type"])
        if unknown := [one.pack.valuation_names[number] for number in found.tolist() if not kinds[number]]:
            names = ", ".join(map(repr, unknown))
            _refuse(
                "tokenizer",
                f"it was not fitted on the valuation types {names} of mix {one.mix.id} (pack {one.pack.path}): fit one "
                "that knows the values of all mixes (railyard tokenizer pack=…), or leave that mix out",
            )
