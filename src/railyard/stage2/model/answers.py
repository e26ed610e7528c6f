"""Answers as the model reads them: padded ids, which sample each belongs to, and rows that stand for coordinates.

Targets and rollouts come in as ids; `forwards.py` reads them after their prompts.
Legend: A answers, T tokens of the longest, N rows, H features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from railyard.stage2.language.vocabulary import Ids

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Answers:
    """Ids [A, T] padded on the right with 0, their lengths, and the sample of the batch that each one answers.

    What stands in the padding has no effect on the states of any token, since it comes after all of them.
    """

    ids_AT: "Tensor"
    lengths_A: tuple[int, ...]
    samples_A: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.lengths_A)


@dataclass(frozen=True)
class Soft:
    """Embeddings [N, H] that are read in the place of tokens: of answer `answers_N`, at its token `tokens_N`."""

    answers_N: "Tensor"
    tokens_N: "Tensor"
    rows_NH: "Tensor"

    def put_into(self, embeddings_ATH: "Tensor") -> "Tensor":
        """A copy of the answers' embeddings with these in place; gradients reach both."""
        return embeddings_ATH.index_put((self.answers_N, self.tokens_N), self.rows_NH.to(embeddings_ATH.dtype))


def answers(ids: Sequence[Ids], samples: Sequence[int] | None = None, device: "str | torch.device" = "cpu") -> Answers:
    """Some answers, one for each sample of a batch in order unless `samples` says otherwise.

    An answer may be empty; a batch of empty ones has T = 0.
    """
    import torch

    lengths = [len(each) for each in ids]
    ids_AT = np.zeros((len(ids), max(lengths, default=0)), np.int64)
    for row, each in zip(ids_AT, ids, strict=True):
        row[: len(each)] = each
    of = tuple(range(len(ids))) if samples is None else tuple(samples)
    if len(of) != len(ids):
        raise ValueError(f"{len(ids)} answers, but {len(of)} samples")
    return Answers(torch.from_numpy(ids_AT).to(device), tuple(lengths), of)
