"""Answers of a model about boards, as probabilities."""

import torch
from torch import Tensor

from railyard.board.model.encoder import BoardEncoder


def forward_distributions(model: BoardEncoder, tokens: Tensor, set_eval: bool = True) -> Tensor | list[Tensor]:
    """Softmax of every head, float32, without gradients.

    Tokens are exponents [B, 16] of any integer dtype, on the model's device. Gives four [B, N] in the order
    UDLR for binned_ev and one [B, 4] over the moves for action_policy. `set_eval` puts the model into
    evaluation mode and leaves it there; without it dropout follows the model's mode.
    """
    if set_eval:
        model.eval()
    with torch.inference_mode():
        heads = model(tokens).heads
        if isinstance(heads, Tensor):
            return heads.float().softmax(dim=-1)
        return [logits.float().softmax(dim=-1) for logits in heads]
