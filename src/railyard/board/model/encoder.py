"""The board encoder: 16 exponents in, one distribution a move out. A bidirectional LLaMA-like stack.

Described by `model/config.py`, filled and stored by `model/init_folder.py`. Names of modules are the names of
weights in `model.safetensors`, so they are part of the file format.

Shapes: B boards, T = 16 cells, D hidden_size, H query heads, K key-value heads, G = H // K, C head_dim,
I intermediate_size, N classes of a binned head.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from railyard.board.model.config import HEADS, Encoder
from railyard.core.errors import UserError

Heads = Tensor | list[Tensor]


class Outputs(NamedTuple):
    """What the network computes of B boards."""

    hidden: Tensor  # [B, T, D]
    heads: Heads  # logits: four [B, N] in the order UDLR for binned_ev, one [B, 4] for action_policy
    values: dict[str, Tensor]  # logits [B, dim] by the name of a value head; empty without any

    def as_pair(self) -> tuple[Tensor, Heads | tuple[Heads, dict[str, Tensor]]]:
        """As the reference's callers take it: (hidden, heads), with value heads (hidden, (heads, values))."""
        return self.hidden, (self.heads, self.values) if self.values else self.heads


class PositionEmbedding(nn.Module):
    """One learned vector a cell, row-major."""

    def __init__(self, config: Encoder) -> None:
        super().__init__()
        self.pos_emb = nn.Embedding(config.max_position_embeddings, config.hidden_size)

    def forward(self, length: int) -> Tensor:
        rows: Tensor = self.pos_emb.weight[:length]
        return rows


class Attention(nn.Module):
    """Bidirectional attention with shared key-value heads: query head h attends key-value head h % K.

    That is not LLaMA's grouping (h // G); files made for one mean nothing under the other.
    """

    def __init__(self, config: Encoder) -> None:
        super().__init__()
        self.heads, self.kv_heads = config.num_attention_heads, config.key_value_heads
        self.head_dim = config.head_dim
        self.dropout_prob = config.attention_dropout_prob
        kv_width = self.kv_heads * self.head_dim
        self.sinks = nn.Parameter(torch.zeros(self.heads)) if config.use_attention_sinks else None
        self.wq = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.wk = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.wv = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.wo = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.q_norm = _norm(self.head_dim, config) if config.use_qk_norm else nn.Identity()
        self.k_norm = _norm(self.head_dim, config) if config.use_qk_norm else nn.Identity()
        self.resid_dropout = nn.Dropout(config.dropout_prob)

    def forward(self, x_BTD: Tensor) -> Tensor:
        q_BHTC = self.q_norm(self._split(self.wq(x_BTD))).transpose(1, 2)
        k_BHTC = self._for_queries(self.k_norm(self._split(self.wk(x_BTD))))
        v_BHTC = self._for_queries(self._split(self.wv(x_BTD)))
        mixed_BHTC = self._attend(q_BHTC, k_BHTC, v_BHTC)
        out_BTD: Tensor = self.resid_dropout(self.wo(mixed_BHTC.transpose(1, 2).flatten(2)))
        return out_BTD

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], x.shape[-1] // self.head_dim, self.head_dim)  # no -1: a rank may have no rows

    def _for_queries(self, x_BTKC: Tensor) -> Tensor:
        """[B, H, T, C] with head h holding key-value head h % K."""
        return x_BTKC.transpose(1, 2).repeat(1, self.heads // self.kv_heads, 1, 1)

    def _attend(self, q_BHTC: Tensor, k_BHTC: Tensor, v_BHTC: Tensor) -> Tensor:
        if self.sinks is not None:
            return self._attend_with_sinks(q_BHTC, k_BHTC, v_BHTC, self.sinks)
        dropout = self.dropout_prob if self.training else 0.0
        return F.scaled_dot_product_attention(q_BHTC, k_BHTC, v_BHTC, dropout_p=dropout)

    def _attend_with_sinks(self, q_BHTC: Tensor, k_BHTC: Tensor, v_BHTC: Tensor, sinks_H: Tensor) -> Tensor:
        """Query head h has the stored scalar (h % K) * G + h // K."""
        scores_BHTT = q_BHTC @ k_BHTC.transpose(-1, -2) / math.sqrt(self.head_dim)
        sink_BHT1 = sinks_H.view(self.kv_heads, -1).t().reshape(1, -1, 1, 1).expand(*scores_BHTT.shape[:-1], 1)
        weights = torch.cat([scores_BHTT, sink_BHT1.to(scores_BHTT)], dim=-1).softmax(dim=-1)
        return weights[..., :-1].to(v_BHTC) @ v_BHTC


class SwiGLU(nn.Module):
    """w_down(silu(w_gate x) * w_up x), then dropout."""

    def __init__(self, config: Encoder) -> None:
        super().__init__()
        self.w_up = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w_gate = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w_down = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.dropout = nn.Dropout(config.dropout_prob)

    def forward(self, x_BTD: Tensor) -> Tensor:
        out_BTD: Tensor = self.dropout(self.w_down(F.silu(self.w_gate(x_BTD)) * self.w_up(x_BTD)))
        return out_BTD


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to the stream."""

    def __init__(self, config: Encoder) -> None:
        super().__init__()
        self.attn = Attention(config)
        self.mlp = SwiGLU(config)
        self.attn_norm = _norm(config.hidden_size, config)
        self.mlp_norm = _norm(config.hidden_size, config)

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_BTD = x_BTD + self.attn(self.attn_norm(x_BTD))
        change_BTD: Tensor = self.mlp(self.mlp_norm(x_BTD))
        return x_BTD + change_BTD


class BoardEncoder(nn.Module):
    """The network of an `Encoder`, with fresh weights: PyTorch's default initialisation, from torch's global generator.

    Tokens are exponents of any integer dtype [B, 16], below input_vocab_size.
    """

    def __init__(self, config: Encoder) -> None:
        super().__init__()
        self.config = config
        self.tok_emb = nn.Embedding(config.input_vocab_size, config.hidden_size)
        self.pos_emb = PositionEmbedding(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.final_ln = _norm(config.hidden_size, config)
        if config.head_type == "binned_ev":
            self.ev_heads = nn.ModuleList(nn.Linear(config.hidden_size, config.n_bins) for _ in range(HEADS))
        else:
            self.policy_head = nn.Linear(config.hidden_size, HEADS)
        if config.value_heads:
            self.value_heads = _value_heads(config)

    def forward(self, tokens_BT: Tensor) -> Outputs:
        x_BTD = self.tok_emb(tokens_BT.long()) + self.pos_emb(tokens_BT.shape[1])
        for block in self.blocks:
            x_BTD = block(x_BTD)
        hidden_BTD = self.final_ln(x_BTD)
        board_BD = hidden_BTD.mean(dim=1)
        is_binned = self.config.head_type == "binned_ev"
        heads = [head(board_BD) for head in self.ev_heads] if is_binned else self.policy_head(board_BD)
        values = {head.name: self.value_heads[head.name](board_BD) for head in self.config.value_heads}
        return Outputs(hidden_BTD, heads, values)


def _value_heads(config: Encoder) -> nn.ModuleDict:
    heads = nn.ModuleDict()
    for head in config.value_heads:
        if hasattr(heads, head.name):
            raise UserError(f"value_heads: {head.name} is a name that torch's modules use themselves: take another")
        heads[head.name] = nn.Linear(config.hidden_size, head.dim)
    return heads


def _norm(width: int, config: Encoder) -> nn.RMSNorm:
    return nn.RMSNorm(width, eps=config.layer_norm_eps)
