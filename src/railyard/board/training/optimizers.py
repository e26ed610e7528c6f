"""The optimizer of a board encoder: which weights decay, and Muon for hidden matrices beside another for the rest."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from railyard.board.model.encoder import BoardEncoder
from railyard.core.config.component import Foreign

Groups = list[dict[str, Any]]


def build(encoder: BoardEncoder, optimizer: Foreign, other: Foreign | None) -> torch.optim.Optimizer:
    """One optimizer for all weights; with `other`, `optimizer` takes the matrices inside the blocks alone."""
    if other is None:
        alone: torch.optim.Optimizer = optimizer.build(params=decay_groups(encoder, optimizer.kwargs))
        return alone
    hidden = [weight for weight in encoder.blocks.parameters() if weight.ndim == 2]
    rest = decay_groups(encoder, other.kwargs, {id(weight) for weight in hidden})
    return Together(optimizer.build(params=[{"params": hidden}]), other.build(params=rest))


def decay_groups(module: torch.nn.Module, keys: Mapping[str, Any], without: Collection[int] = ()) -> Groups:
    """Weight decay for matrices only: norms, biases and embeddings are left alone. `without`: ids of weights."""
    embeddings = {id(part.weight) for part in module.modules() if isinstance(part, torch.nn.Embedding)}
    decayed: list[Tensor] = []
    plain: list[Tensor] = []
    for weight in module.parameters():
        if id(weight) not in without:
            (decayed if weight.ndim >= 2 and id(weight) not in embeddings else plain).append(weight)
    given = {"weight_decay": keys["weight_decay"]} if "weight_decay" in keys else {}
    return [{"params": decayed, **given}, {"params": plain, "weight_decay": 0.0}]


class Together(torch.optim.Optimizer):
    """Several optimizers as one: they share its groups and its state, so saving and schedules see a single one."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each, after one call of the closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        first = 0
        for part in self.parts:
            count = len(part.param_groups)
            part.param_groups, part.state = self.param_groups[first : first + count], self.state
            first += count
