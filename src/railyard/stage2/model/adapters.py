"""Low-rank adapters by peft: put beside the linear layers of a transformers model, and merged into its weights.

The model stays what it is, with its own names; only its linear layers are replaced by ones that hold the old ones.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from railyard.core.errors import UserError
from railyard.stage2.model.config import Lora, Rates
from railyard.stage2.model.parts import part_of, rate_of

NAME = "default"  # peft's, of an adapter
INSIDE = ".base_layer"  # what peft puts into the names of the weights it stands beside


def add(model: Any, lora: Lora, rates: Rates) -> None:
    """Adapters beside every linear layer but the output matrix; parts whose rate is 0 get none.

    Everything else is frozen. UserError without peft.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise UserError("adapters need peft: install the extra, as in pip install 'railyard[lora]'") from error

    output = model.get_output_embeddings()
    names = [
        name
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) and part is not output and rate_of(rates, part_of(name)) > 0
    ]
    if not names:
        raise UserError("rates of text, vision and merger are all 0: adapters would have no layer to stand beside")
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # any number will do
        lora_dropout=lora.dropout,
        use_dora=lora.dora,
        target_modules=names,
        bias="none",
    )
    inject_adapter_in_model(config, model, adapter_name=NAME)


def has_adapters(model: nn.Module) -> bool:
    """Whether `add` was called on it."""
    return any(name.endswith(INSIDE) for name, _ in model.named_modules())


@torch.no_grad()
def merged_weights(model: nn.Module) -> dict[str, Tensor]:
    """The model's weights under their own names with the adapters merged in; the model itself is left as it is."""
    weights = {name.replace(INSIDE, ""): tensor for name, tensor in model.state_dict().items() if ".lora_" not in name}
    for name, layer in _adapted(model):
        before = layer.base_layer.weight.data
        layer.base_layer.weight.data = before.clone()
        layer.merge()
        weights[f"{name}.weight"] = layer.base_layer.weight.data
        layer.base_layer.weight.data = before  # rather than unmerged, which would round
        layer.merged_adapters.clear()
    return weights


def _adapted(model: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, layer in model.named_modules():
        if hasattr(layer, "base_layer") and hasattr(layer, "merged_adapters"):
            yield name, layer
