"""PyTorch files (`.pt`, `.pth`) as other trainers write them: weights, and the encoder's config where they hold one.

Read with `weights_only`, so a file cannot run code; what is more than tensors and plain containers is refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from railyard.core.errors import UserError
from railyard.core.store.tensors import load_tensors

# where a trainer keeps the weights beside other things
WEIGHT_KEYS = ("model_state_dict", "state_dict", "model")
CONFIG_KEY, OUTER_KEY = "encoder_config", "training_config"
ADVICE = (
    "where you trust it, load it yourself and save its state dict with safetensors.torch.save_file as "
    "model.safetensors beside a config.json"
)


def read_pickle(path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """Weights by name as they stand, and the encoder's config or None. UserError names the file and the reason."""
    content = _load(path)
    weights = next((content[key] for key in WEIGHT_KEYS if isinstance(content.get(key), Mapping)), content)
    tensors = {name: value for name, value in weights.items() if isinstance(value, Tensor)}
    if not tensors:
        places = " or ".join(WEIGHT_KEYS)
        raise UserError(f"{path} holds no weights: expected tensors by name, at the top or under {places}")
    return tensors, _config(content)


def _load(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a .pt file or an init folder")
    content = load_tensors(path, advice=ADVICE)
    if not isinstance(content, Mapping):
        raise UserError(f"{path} holds a {type(content).__name__}, expected weights by name")
    return content


def _config(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The mapping under `encoder_config`, at the top or anywhere inside `training_config`."""
    if isinstance(content.get(CONFIG_KEY), Mapping):
        return dict(content[CONFIG_KEY])
    return _inside(content.get(OUTER_KEY))


def _inside(node: Any) -> dict[str, Any] | None:
    if not isinstance(node, Mapping):
        return None
    if isinstance(node.get(CONFIG_KEY), Mapping):
        return dict(node[CONFIG_KEY])
    return next((found for value in node.values() if (found := _inside(value)) is not None), None)
