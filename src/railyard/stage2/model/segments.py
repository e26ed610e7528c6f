"""Attention over samples that lie end to end in one row: each sample by itself, causal, without a mask.

PyTorch's own attention knows no segments, and a mask for them costs the row's length squared. Where no lengths are
given this is the usual `sdpa`; flash attention finds segments by itself, from the positions.
Legend: B rows, A heads, L tokens of a row, D features of a head.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

NAME = "railyard_segments"


def use_segments(model: Any) -> None:
    """Makes the text layers of a Qwen3-VL of transformers attend by segments; vision stays as it is."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.model.language_model.config._attn_implementation = NAME


def has_segments(model: Any) -> bool:
    """Whether `use_segments` was called on it."""
    return bool(model.model.language_model.config._attn_implementation == NAME)


def attend(
    module: Any,
    query_BALD: Tensor,
    key_BALD: Tensor,
    value_BALD: Tensor,
    attention_mask: Tensor | None,
    segments: Sequence[int] | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """What transformers calls as a layer's attention. `segments`: the lengths of the samples, which add up to L."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if segments is None:
        return sdpa_attention_forward(module, query_BALD, key_BALD, value_BALD, attention_mask, **more)
    cut = [torch.split(each, list(segments), dim=2) for each in (query_BALD, key_BALD, value_BALD)]
    parts = [
        sdpa_attention_forward(module, query, key, value, None, **more)[0]
        for query, key, value in zip(*cut, strict=True)
    ]
    return torch.cat(parts, dim=1), None
