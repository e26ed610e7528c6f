"""Answers while they are written, one token of each at a time: what rollouts go on with.

The loop itself (how a token is chosen, when an answer ends) is the rollout's; this keeps keys, values and positions.
Legend: B answers in the making, V ids, H features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import embedding

from railyard.stage2.model.forwards import Shared


class Writing:
    """Answers to the samples of a session in order, none of which has a token yet. Needs no gradient: use `no_grad`."""

    def __init__(self, session: Shared, samples: Sequence[int] | None = None) -> None:
        self._session = session
        prompt = session.prompt if samples is None else session.prompt.rows(samples)
        self._cache = prompt.cache()
        self._mask_BL = prompt.mask_BP
        self._next_B = prompt.next_B
        self._states_BH = prompt.last_BH

    def __len__(self) -> int:
        return len(self._next_B)

    def logits_BV(self) -> Tensor:
        """The logits of each answer's next token, in the dtype of the model."""
        return self._states_BH @ self._session.output_VH.T.to(self._states_BH.dtype)

    def write(self, ids_B: Tensor) -> None:
        """One more token for each."""
        if self._mask_BL is not None:
            self._mask_BL = torch.cat([self._mask_BL, self._mask_BL.new_ones(len(self), 1)], dim=1)
        self._states_BH = self._session.run(
            embedding(ids_B[:, None], self._session.input_VH),
            self._next_B[:, None].expand(3, -1, -1),
            attention_mask=self._mask_BL,
            past_key_values=self._cache,
            use_cache=True,
        )[:, 0]
        self._next_B = self._next_B + 1

    def keep(self, rows_N: Tensor) -> None:
        """Go on with these alone, in this order; one may come several times, as beams do."""
        self._next_B, self._states_BH = self._next_B[rows_N], self._states_BH[rows_N]
        if self._mask_BL is not None:
            self._mask_BL = self._mask_BL[rows_N]
        self._cache.batch_select_indices(rows_N)


@torch.no_grad()
def greedy(session: Shared, end: int, most: int) -> list[list[int]]:
    """The likeliest tokens of each sample up to `end` (which is kept) or `most` tokens."""
    writing, found = Writing(session), [list[int]() for _ in session.prompts]
    open_ = list(range(len(found)))
    for _ in range(most):
        ids_B = writing.logits_BV().argmax(dim=-1)
        for sample, id_ in zip(open_, ids_B.tolist(), strict=True):
            found[sample].append(id_)
        going = [row for row, sample in enumerate(open_) if found[sample][-1] != end]
        if not going:
            break
        writing.write(ids_B)
        if len(going) < len(open_):
            writing.keep(torch.tensor(going, device=ids_B.device))
            open_ = [open_[row] for row in going]
    return found
