"""The parts of a model by the names of its weights, their learning rates, and the optimizer's groups.

A part whose rate is 0 is frozen. Embeddings and norms are not decayed, nor are biases.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from railyard.stage2.model.config import Rates

if TYPE_CHECKING:
    from torch import nn

Part = Literal["text", "vision", "merger", "coordinates"]

ROWS = ("rows_KH", "output_rows_KH")  # of a detector
MERGERS = ("visual.merger", "visual.deepstack_merger_list")


def part_of(name: str) -> Part:
    """The part that a weight or a layer belongs to."""
    if name.rpartition(".")[2] in ROWS:
        return "coordinates"
    if any(merger in name for merger in MERGERS):
        return "merger"
    return "vision" if "visual." in name else "text"


def rate_of(rates: Rates, part: Part) -> float:
    """What the optimizer's rate is multiplied by."""
    rate: float = getattr(rates, part)
    return rate


def freeze(detector: "nn.Module", rates: Rates) -> None:
    """No gradient for the weights of parts whose rate is 0."""
    for name, weight in detector.named_parameters():
        if rate_of(rates, part_of(name)) == 0:
            weight.requires_grad_(False)


def groups(detector: "nn.Module", rates: Rates, keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Parameter groups of the trained weights; `keys` are those of the optimizer, of which `lr` is needed.

    Each has its part as `name`, with `_plain` where nothing decays.
    """
    from torch.nn import Embedding, Parameter

    embeddings = {id(part.weight) for part in detector.modules() if isinstance(part, Embedding)}
    found: dict[tuple[Part, bool], list[Parameter]] = {}
    for name, weight in detector.named_parameters():
        part = part_of(name)
        decays = weight.ndim >= 2 and part != "coordinates" and id(weight) not in embeddings
        if weight.requires_grad:
            found.setdefault((part, decays), []).append(weight)
    decay = {"weight_decay": keys["weight_decay"]} if "weight_decay" in keys else {}
    return [
        {
            "params": weights,
            "lr": keys["lr"] * rate_of(rates, part),
            "name": part if decays else f"{part}_plain",
            **(decay if decays else {"weight_decay": 0.0}),
        }
        for (part, decays), weights in found.items()
    ]
