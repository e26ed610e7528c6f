"""Beam search: the answer of the highest mean log-probability a token among those that some beams reach.

Each step extends all beams of a sample by every id and keeps the best `beams`; an answer that ends is set aside. A
sample is done when it has so many and no open beam is better at its present length. That is what transformers'
`generate(num_beams=…)` does with its defaults; it differs in a repetition penalty, which is taken off logits here.
Legend: B open beams of all samples, V ids, K beams of a sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Beam:
    """An answer so far with the sum of its log-probabilities."""

    ids: tuple[int, ...]
    score: float

    @property
    def mean(self) -> float:
        return self.score / max(1, len(self.ids))

    def then(self, id_: int, score: float) -> "Beam":
        return Beam((*self.ids, id_), score)


@dataclass
class Search:
    """The beams of one sample. `parents`: of each open beam, the place among the open ones before the last step."""

    beams: int
    end: int
    open_: list[Beam] = field(default_factory=lambda: [Beam((), 0.0)])
    parents: list[int] = field(default_factory=list)
    finished: list[Beam] = field(default_factory=list)

    def extend(self, logs_BV: Tensor) -> None:
        """One more token for each open beam, from its log-probabilities [open beams, V]."""
        scores = torch.tensor([beam.score for beam in self.open_], device=logs_BV.device)
        flat = (scores[:, None] + logs_BV).flatten()
        # twice as many: at most one in each beam's extensions is an end
        best = flat.topk(min(2 * self.beams, len(flat)))
        before, self.open_, self.parents = self.open_, [], []
        for rank, (score, place) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            parent, id_ = divmod(place, logs_BV.shape[1])
            grown = before[parent].then(id_, score)
            if id_ == self.end:
                if rank < self.beams:
                    self.finished.append(grown)
            elif len(self.open_) < self.beams:
                self.open_.append(grown)
                self.parents.append(parent)
        self.finished = sorted(self.finished, key=lambda beam: -beam.mean)[: self.beams]

    @property
    def is_done(self) -> bool:
        if not self.open_:
            return True
        return len(self.finished) == self.beams and self.finished[-1].mean >= self.open_[0].mean

    @property
    def best(self) -> list[int]:
        """The best answer; where the length cut the search, open beams count as they are."""
        among = self.finished if self.is_done else [*self.finished, *self.open_]
        return list(max(among, key=lambda beam: beam.mean).ids)


def rows_to_keep(searches: Sequence[Search], sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Of each open beam, search by search, the row that it goes on from and its newest id.

    `sizes`: rows that each search had before its last step. A search that is done has none.
    """
    rows: list[int] = []
    ids: list[int] = []
    first = 0
    for search, size in zip(searches, sizes, strict=True):
        if not search.is_done:
            rows += [first + parent for parent in search.parents]
            ids += [beam.ids[-1] for beam in search.open_]
        first += size
    return rows, ids
