"""What is asked of a board model and what it answers, as arrays: the same in process and through a server.

Made by `model/inference.py`, carried by `inference/packing.py`. Imports no torch: a client has none to load.

Shapes: B boards, 4 moves in the order UDLR, N bins (1 for action_policy), V logits of all value heads, D hidden_size.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import F32, U8


class Wanted(NamedTuple):
    """Which parts of an answer somebody needs; the move of most mass is always there."""

    probabilities: bool = True
    logits: bool = False
    values: bool = False
    embeddings: bool = False

    def union(self, other: "Wanted") -> "Wanted":
        return Wanted(*(mine or theirs for mine, theirs in zip(self, other, strict=True)))


class Answers(NamedTuple):
    """What a model says of B boards; None where it was not wanted.

    A probability is a softmax over the bins of a move, for action_policy over the four moves. The best move is the
    first with most mass in its last bin, legal or not.
    """

    best_B: U8
    mass_B: F32
    probabilities_B4N: F32 | None = None
    logits_B4N: F32 | None = None
    values_BV: F32 | None = None  # logits; the heads side by side, in the order of `ModelFacts.value_heads`
    embeddings_BD: F32 | None = None  # mean over the cells of the last hidden state

    def only(self, wanted: Wanted) -> "Answers":
        """Without the parts that are not wanted."""
        best_B, mass_B, *parts = self
        kept = (part if is_wanted else None for part, is_wanted in zip(parts, wanted, strict=True))
        return Answers(best_B, mass_B, *kept)

    def rows(self, first: int, end: int) -> "Answers":
        """Those of the boards from `first` to before `end`, as views."""
        return Answers._make(None if part is None else part[first:end] for part in self)


def joined(parts: Sequence[Answers]) -> Answers:
    """Those of several stretches of boards, which hold the same parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Answers._make(
        None if columns[0] is None else np.concatenate(columns) for columns in zip(*parts, strict=True)
    )


class ModelFacts(NamedTuple):
    """What a model says of itself. What follows `vocab_labels` is unknown (empty, 0) with servers that do not tell."""

    head_type: str
    bin_count: int  # of a head; 0 for action_policy, whose heads hold one number
    tokenizer_type: str = ""
    vocab_labels: tuple[str, ...] = ()
    value_heads: tuple[tuple[str, int], ...] = ()  # names and dims
    hidden_size: int = 0
    input_vocab_size: int = 0  # exponents from 0 that a board may hold
    model_hash: str = ""
    tokenizer_hash: str = ""
    code_version: str = ""

    @property
    def bins(self) -> int:
        """N."""
        return self.bin_count or 1

    @property
    def value_width(self) -> int:
        """V."""
        return sum(dim for _, dim in self.value_heads)


def split_values(values_BV: F32, heads: Iterable[tuple[str, int]]) -> dict[str, F32]:
    """[B, dim] by the name of a head, from heads that stand side by side; `heads` are names and dims."""
    by_name, first = {}, 0
    for name, dim in heads:
        by_name[name] = values_BV[:, first : first + dim]
        first += dim
    return by_name


def sigmoid(logits: F32) -> F32:
    """Chances that value heads give, float32 of any shape."""
    with np.errstate(over="ignore"):
        found: F32 = np.float32(1) / (np.float32(1) + np.exp(-logits))
    return found
