"""Cross-entropy over the whole vocabulary from hidden states, without ever holding the logits.

The output matrix is walked in blocks of tokens of the vocabulary: forward keeps the logsumexp of each row, backward
computes each block's logits again. A block of the matrix's gradient is then one product, written once, and the memory
is the two gradients and one block. (Blocks of rows would need the matrix's gradient in float32 to add up in.)
Legend: N rows (tokens to predict), D features, V tokens of the vocabulary, C those of one block.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from railyard.stage2.objective.reduction import wide
from railyard.stage2.objective.shift import predictors

BLOCK = 1024


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


def supervised(hidden_BTD: Tensor, ids_BT: Tensor, weights_BT: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states [N, D], labels [N] and weights [N] of the tokens whose weight is not 0, for `token_nll`.

    `weights_BT` belong to the tokens themselves; the shift to the position before is made here. Raises ValueError
    where a first token has a weight.
    """
    samples_N, positions_N = weights_BT.nonzero(as_tuple=True)
    hidden_ND = predictors(hidden_BTD, samples_N, positions_N)
    return hidden_ND, ids_BT[samples_N, positions_N], weights_BT[samples_N, positions_N]


def _rows(hidden_ND: Tensor, output_VD: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    logsumexp_N, labelled_N = _BlockwiseRows.apply(hidden_ND, output_VD, labels_N)  # type: ignore[no-untyped-call]
    return logsumexp_N, labelled_N


class _BlockwiseRows(torch.autograd.Function):
    """logsumexp and the label's logit of each row."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, output_VD: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
        parts: list[Tensor] = []
        labelled_N = wide(hidden_ND.new_zeros(len(hidden_ND)))
        for start, block_CD in _blocks(output_VD, hidden_ND.dtype):
            logits_NC = wide(_product(hidden_ND, block_CD.T))
            inside_N, column_N = _in_block(labels_N, start, len(block_CD))
            labelled_N = torch.where(inside_N, logits_NC.gather(1, column_N[:, None])[:, 0], labelled_N)
            parts.append(logits_NC.logsumexp(dim=1))
        logsumexp_N = torch.stack(parts).logsumexp(dim=0)
        ctx.save_for_backward(*_without_nonfinite(hidden_ND, logsumexp_N), output_VD, labels_N)
        return logsumexp_N, labelled_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_logsumexp_N: Tensor, grad_labelled_N: Tensor) -> tuple[Tensor | None, ...]:
        hidden_ND, logsumexp_N, output_VD, labels_N = ctx.saved_tensors
        to_hidden, to_output, _ = ctx.needs_input_grad
        # float32, since it adds up over all blocks
        grad_hidden_ND = torch.zeros_like(hidden_ND, dtype=logsumexp_N.dtype) if to_hidden else None
        grad_output_VD = torch.empty_like(output_VD) if to_output else None
        for start, block_CD in _blocks(output_VD, hidden_ND.dtype):
            inside_N, column_N = _in_block(labels_N, start, len(block_CD))
            grad_NC = wide(_product(hidden_ND, block_CD.T)).sub_(logsumexp_N[:, None]).exp_()
            grad_NC.mul_(grad_logsumexp_N[:, None])
            grad_NC.scatter_add_(1, column_N[:, None], torch.where(inside_N, grad_labelled_N, 0)[:, None])
            grad_NC = grad_NC.to(hidden_ND.dtype)  # the wide one is freed before the products need room
            if grad_hidden_ND is not None:
                grad_hidden_ND += _product(grad_NC, block_CD)
            if grad_output_VD is not None:
                grad_output_VD[start : start + len(block_CD)] = _product(grad_NC.T, hidden_ND)
            del grad_NC
        return None if grad_hidden_ND is None else grad_hidden_ND.to(hidden_ND.dtype), grad_output_VD, None


def _blocks(output_VD: Tensor, dtype: torch.dtype) -> Iterator[tuple[int, Tensor]]:
    """First token and rows of each block of the output matrix, in the dtype that its logits get."""
    for start in range(0, len(output_VD), BLOCK):
        yield start, output_VD[start : start + BLOCK].to(dtype)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """left @ right in their own dtype, also inside an autocast region: backward has to repeat forward's rounding."""
    with torch.autocast(left.device.type, enabled=False):
        return left @ right


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
