"""What an init folder holds, for `railyard show`."""

from pathlib import Path
from typing import Any

from railyard.board.model.config import parameter_count
from railyard.board.model.init_folder import read_init


def describe_init(folder: Path) -> dict[str, Any]:
    """Shape, size and tokenizer of the model; reading it is the integrity check."""
    model, tokenizer = read_init(folder)
    return {
        "kind": "init folder",
        "path": str(folder),
        "config": model.config.model_dump(),
        "parameters": parameter_count(model.config),
        "tokenizer": tokenizer and {k: tokenizer[k] for k in ("tokenizer_type", "num_bins") if k in tokenizer},
    }
