"""Packs under `data.rejection` as a LightningDataModule: batches of mixes of any packs, under one tokenizer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from railyard.board.packs.pack import Pack
from railyard.board.tokens.tokenizer import Labels
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.batch import allocate
from railyard.board.training.collate import Collate, turn
from railyard.board.training.data import TURNS_PLACE, PackDataModule, Tensors
from railyard.board.training.outcomes import Outcome
from railyard.board.training.rejection.mixes import (
    Mixes,
    OpenMix,
    epoch_lines,
    open_mixes,
    refuse_impossible,
    refuse_misfit_labels,
)
from railyard.core.arrays import I64
from railyard.core.store import paging
from railyard.core.store.order import OwnOrder, mix
from railyard.core.training.loading import Order, OrderedLoader
from railyard.core.training.mixing import MixedOrder

FAR = 2048  # rows between two that are announced together: 92 KB read along


class MixedRows:
    """The rows of all mixes as a source of batches; asked for positions of `mixing.MixedOrder`.

    The rows of a batch stand mix by mix, ascending, as the positions do: nothing depends on their order. Packs of
    the same valuation names are read in one pass.
    """

    def __init__(
        self,
        mixes: Sequence[OpenMix],
        labels: Labels,
        augmentation: Augmentation,
        seed: int,
        outcomes: Mapping[str, Outcome],
    ) -> None:
        self.parts = [MixPart(one) for one in mixes]
        collates = {names: Collate(packs, labels, outcomes) for names, packs in _by_names(mixes).items()}
        of_mix = [collates[one.pack.valuation_names] for one in mixes]
        self.first_M = [_first(collate, one.pack) for collate, one in zip(of_mix, mixes, strict=True)]
        self.passes = [(of_mix[first], first, stop) for first, stop in _stretches(of_mix)]
        self.numbers = np.arange(len(mixes) + 1)
        self.augmentation, self.key = augmentation, mix(seed, TURNS_PLACE)

    def __len__(self) -> int:
        return sum(len(part.rows) for part in self.parts)

    def __getitems__(self, positions: I64) -> Tensors:
        numbers, mixes, of_mix = positions
        batch = allocate(len(mixes), self.passes[0][0].value_heads)
        batch.mix[:] = mixes
        rows = np.empty(len(mixes), np.int64)
        edges = np.searchsorted(mixes, self.numbers).tolist()  # where each mix begins
        for part, first, start, stop in zip(self.parts, self.first_M, edges, edges[1:], strict=False):
            if start < stop:
                part.rows.fill(of_mix[start:stop], first, rows[start:stop])
        for collate, first, stop in self.passes:
            collate.fill(rows[edges[first] : edges[stop]], edges[first], batch)
        turn(batch, self.augmentation.turns(numbers, self.key))
        return Tensors(*map(torch.from_numpy, batch))


def _by_names(mixes: Sequence[OpenMix]) -> dict[tuple[str, ...], list[Pack]]:
    """The packs of all mixes, each once, by their valuation names."""
    found: dict[tuple[str, ...], list[Pack]] = {}
    for pack in dict.fromkeys(one.pack for one in mixes):
        found.setdefault(pack.valuation_names, []).append(pack)
    return found


def _first(collate: Collate, pack: Pack) -> int:
    """The number of a pack's first row among those of a collate."""
    return int(collate.rows.firsts[collate.packs.index(pack)])


def _stretches(values: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Each stretch of the same values: its first place and one past its last."""
    changes = [place for place in range(1, len(values)) if values[place] is not values[place - 1]]
    return pairwise([0, *changes, len(values)])


class MixPart:
    """The rows of one mix as the reader of windows sees them."""

    def __init__(self, one: OpenMix) -> None:
        self.pack: Pack = one.pack
        self.rows = one.rows

    def announce(self, ranges: I64) -> None:
        paging.announce(self.pack.rows, self._spans(ranges))

    def release(self, ranges: I64) -> None:
        paging.release(self.pack.rows, self._spans(ranges))

    def _spans(self, ranges: I64) -> I64:
        """Ranges of the pack's rows, int64 [K, 2], for ranges of the mix's; rows that lie near each other together."""
        return np.concatenate([_together(self.rows.rows(np.arange(first, stop))) for first, stop in ranges.tolist()])


def _together(rows: I64) -> I64:
    gaps = np.flatnonzero(np.diff(rows) > FAR)
    return np.stack([rows[np.r_[0, gaps + 1]], rows[np.r_[gaps, len(rows) - 1]] + 1], axis=1)


class MixedPackData(PackDataModule):
    """The data of a run with `data.rejection`. Validation is that of data.pack; filters run when training begins."""

    @cached_property
    def mixes(self) -> Mixes:
        found = open_mixes(self.knobs, self.pack, self.split)
        refuse_misfit_labels(found, self.tokenizer)
        return found

    @property
    def mix_names(self) -> tuple[str, ...]:
        return self.mixes.names

    def train_order(self) -> MixedOrder:
        (rank, world), shares = self.place(), self.mixes.shares(self.global_batch)
        return MixedOrder(shares, self.mixes.seed, rank, world, self.shuffled)

    @property
    def shuffled(self) -> Callable[[int, int], Order]:
        return super().shuffled if self.knobs.shuffle else OwnOrder

    @cached_property
    def _order(self) -> MixedOrder:
        """Made once, when the ranks are known: it is asked at every batch."""
        return self.train_order()

    def train_dataloader(self) -> OrderedLoader:
        order, knobs = self.train_order(), self.knobs
        refuse_impossible(self.mixes, order.shares)
        source = MixedRows(self.mixes.mixes, self.tokenizer, knobs.augmentation, self.mixes.seed, self.outcomes)
        return OrderedLoader(source, order, knobs.workers, knobs.prefetch)

    def mix_counts(self, epoch: int, batch: int) -> dict[str, int]:
        order = self._order
        weights = order.shares.phases[order.shares.phase(epoch)].weights
        counts = zip(self.mix_names, order.counts(epoch, batch).tolist(), weights, strict=True)
        return {name: rows for name, rows, weight in counts if weight}

    def epoch_lines(self, epoch: int, batches: int) -> list[str]:
        """What each mix gives to the first batches of an epoch, a line each."""
        order = self._order
        return epoch_lines(self.mixes, order.shares, epoch, order.drawn(epoch, batches))

    def facts(self) -> dict[str, Any]:
        mixes = {one.mix.id: one.facts() for one in self.mixes.mixes}
        return {**super().facts(), "samples_per_epoch": self.mixes.epoch_rows, "mixes": mixes}
