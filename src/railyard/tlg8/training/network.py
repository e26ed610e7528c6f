"""Independent MLP heads in torch, for training; `ranking/mlp.py` infers with the same weights without it.

Shapes: B blocks, D inputs, L logits of all heads side by side.
"""

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from railyard.core.arrays import F32
from railyard.tlg8.ranking.heads import CLASSES
from railyard.tlg8.ranking.mlp import Network


class Heads(nn.Module):
    """An MLP with ReLU for each head."""

    def __init__(self, inputs: int, hidden: Mapping[str, list[int]]) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: _mlp([inputs, *widths, CLASSES[name]]) for name, widths in hidden.items()})

    def forward(self, normalised_BD: Tensor) -> Tensor:
        """Logits float32 [B, L]."""
        return torch.cat([head(normalised_BD) for head in self.heads.values()], dim=1)

    def weights(self, mean: Tensor, scale: Tensor) -> Network:
        """The same heads without torch."""
        layers = {
            name: [(_array(part.weight), _array(part.bias)) for part in head.modules() if isinstance(part, nn.Linear)]
            for name, head in self.heads.items()
        }
        return Network(layers, _array(mean), _array(scale))


def _mlp(widths: list[int]) -> nn.Sequential:
    parts: list[nn.Module] = []
    for low, high in itertools.pairwise(widths):
        parts += [nn.Linear(low, high), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def _array(tensor: Tensor) -> F32:
    found: F32 = tensor.detach().float().cpu().numpy().copy()
    return found
