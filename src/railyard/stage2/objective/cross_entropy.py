"""Cross-entropy over the whole vocabulary from hidden states, without ever holding the logits.

The output matrix is walked in blocks of tokens of the vocabulary: forward keeps the logsumexp of each row, backward
computes each block's logits again. A block of the matrix's gradient is then one product, written once, and the memory
is the two gradients and one block. (Blocks of rows would need the matrix's gradient in float32 to add up in.)
Legend: B samples, T positions, N rows (tokens to predict), D features, V tokens of the vocabulary, C those of a block.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from railyard.stage2.objective.reduction import wide

BLOCK = 512


def token_nll(hidden_ND: Tensor, output_VD: Tensor, labels_N: Tensor) -> Tensor:
    """-log softmax(hidden @ output.T)[label] of each row: float32 [N] (float64 for float64).

    Logits are rounded to the dtype of the hidden states, as a model's own are; all sums are float32. A row that is not
    finite is so here too, and sends no gradient.
    """
    logsumexp_N, labelled_N = _rows(hidden_ND, output_VD, labels_N)
    return logsumexp_N - labelled_N


def logsumexp(hidden_ND: Tensor, output_VD: Tensor) -> Tensor:
    """log of the sum of exp(logits) of each row, what `coord_gate` needs: float32 [N]."""
    return _rows(hidden_ND, output_VD, torch.zeros(len(hidden_ND), dtype=torch.long, device=hidden_ND.device))[0]


def states_before(states_BTD: Tensor, samples_N: Tensor, positions_N: Tensor) -> Tensor:
    """The causal shift: states (hidden or logits) [N, D] at position p - 1 for the tokens at position p of a sample.

    Raises ValueError for a token at position 0: nothing predicts it.
    """
    if (positions_N < 1).any():
        raise ValueError("a token at position 0 has no position before it that could predict it")
    return states_BTD[samples_N, positions_N - 1]


def supervised(hidden_BTD: Tensor, ids_BT: Tensor, weights_BT: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states [N, D], labels [N] and weights [N] of the tokens whose weight is not 0, for `token_nll`.

    `weights_BT` belong to the tokens themselves; the shift to the position before is made here. Raises ValueError
    where a first token has a weight.
    """
    samples_N, positions_N = weights_BT.nonzero(as_tuple=True)
    hidden_ND = states_before(hidden_BTD, samples_N, positions_N)
    return hidden_ND, ids_BT[samples_N, positions_N], weights_BT[samples_N, positions_N]


def _rows(hidden_ND: Tensor, output_VD: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    logsumexp_N, labelled_N = _BlockwiseRows.apply(hidden_ND, output_VD, labels_N)  # type: ignore[no-untyped-call]
    return logsumexp_N, labelled_N


class _BlockwiseRows(torch.autograd.Function):
    """logsumexp and the label's logit of each row."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, output_VD: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
        logsumexp_N = wide(hidden_ND.new_full((len(hidden_ND),), -torch.inf))
        labelled_N = torch.zeros_like(logsumexp_N)
        for start, block_CD, _, logits_NC in _blocks(hidden_ND, output_VD):
            inside_N, column_N = _in_block(labels_N, start, len(block_CD))
            labelled_N = torch.where(inside_N, logits_NC.gather(1, column_N[:, None])[:, 0], labelled_N)
            largest_N = logits_NC.amax(dim=1)
            sums_N = logits_NC.sub_(largest_N[:, None]).exp_().sum(dim=1)
            torch.logaddexp(logsumexp_N, largest_N + sums_N.log(), out=logsumexp_N)
        ctx.save_for_backward(*_without_nonfinite(hidden_ND, logsumexp_N), output_VD, labels_N)
        return logsumexp_N, labelled_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_logsumexp_N: Tensor, grad_labelled_N: Tensor) -> tuple[Tensor | None, ...]:
        hidden_ND, logsumexp_N, output_VD, labels_N = ctx.saved_tensors
        to_hidden, to_output, _ = ctx.needs_input_grad
        # wide, since it adds up over all blocks
        grad_hidden_ND = wide(torch.zeros_like(hidden_ND)) if to_hidden else None
        grad_output_VD = torch.empty_like(output_VD) if to_output else None
        part_ND = torch.empty_like(hidden_ND)
        for start, block_CD, narrow_NC, grad_NC in _blocks(hidden_ND, output_VD):
            inside_N, column_N = _in_block(labels_N, start, len(block_CD))
            grad_NC.sub_(logsumexp_N[:, None]).exp_().mul_(grad_logsumexp_N[:, None])
            grad_NC.scatter_add_(1, column_N[:, None], torch.where(inside_N, grad_labelled_N, 0)[:, None])
            narrow_NC.copy_(grad_NC)
            if grad_hidden_ND is not None:
                grad_hidden_ND += _product(narrow_NC, block_CD, part_ND)
            if grad_output_VD is not None:
                grad_CD = _product(narrow_NC.T, hidden_ND, torch.empty_like(block_CD))
                grad_output_VD[start : start + len(block_CD)] = grad_CD
        return None if grad_hidden_ND is None else part_ND.copy_(grad_hidden_ND), grad_output_VD, None


def _blocks(hidden_ND: Tensor, output_VD: Tensor) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """Of each block: its first token, its rows of the output matrix, room for [N, C] in the dtype of the hidden states,
    and its logits, wide.

    The two [N, C] are the same memory for all blocks (and one, where the dtype is wide already): an allocator that is
    asked anew for each block keeps four times the room.
    """
    narrow = hidden_ND.new_empty(len(hidden_ND) * min(BLOCK, len(output_VD)))
    spread = narrow if wide(narrow[:0]).dtype == narrow.dtype else torch.empty_like(narrow, dtype=torch.float32)
    for start in range(0, len(output_VD), BLOCK):
        block_CD = output_VD[start : start + BLOCK].to(hidden_ND.dtype)
        shape = len(hidden_ND), len(block_CD)
        narrow_NC, wide_NC = (each[: math.prod(shape)].view(shape) for each in (narrow, spread))
        yield start, block_CD, narrow_NC, wide_NC.copy_(_product(hidden_ND, block_CD.T, narrow_NC))


def _product(left: Tensor, right: Tensor, room: Tensor) -> Tensor:
    """left @ right, written to `room`, in their own dtype also inside an autocast region: backward has to repeat
    forward's rounding.
    """
    with torch.autocast(left.device.type, enabled=False):
        return torch.mm(left, right, out=room)


def _in_block(labels_N: Tensor, start: int, width: int) -> tuple[Tensor, Tensor]:
    """Whether each label lies in a block, and its column there, 0 if not."""
    column_N = labels_N - start
    inside_N = (column_N >= 0) & (column_N < width)
    return inside_N, column_N * inside_N


def _without_nonfinite(hidden_ND: Tensor, logsumexp_N: Tensor) -> tuple[Tensor, Tensor]:
    """Rows whose logsumexp is not finite as zeros, with infinity for their logsumexp: softmax and gradients are 0."""
    finite_N = logsumexp_N.isfinite()
    if finite_N.all():
        return hidden_ND, logsumexp_N
    return hidden_ND.masked_fill(~finite_N[:, None], 0), logsumexp_N.masked_fill(~finite_N, torch.inf)
