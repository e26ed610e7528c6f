"""What lies in an init folder, by the names of its files, and its config: read without torch, as a plan does.

The weights are read by `model/init_folder.py`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from railyard.board.model.config import Encoder
from railyard.core.config.check import check_config
from railyard.core.config.faults import Fault
from railyard.core.errors import UserError
from railyard.core.store.reading import read_json

CONFIG_FILE, TOKENIZER_FILE = "config.json", "tokenizer.json"
WEIGHT_FILES = tuple(f"{stem}.safetensors" for stem in ("model-best", "model", "model-final", "model-stable"))
PICKLE_FILES = ("model-best.pt", "model.pt", "model-stable.pt")

Tokenizer = dict[str, Any]


def read_config(folder: Path) -> Encoder:
    """The Encoder of `folder/config.json`. UserError names the key, its value and what is allowed."""
    path = folder / CONFIG_FILE
    return check_fields(read_json(path, missing="an init folder holds config.json and model.safetensors"), path)


def check_fields(fields: Mapping[str, Any], path: Path) -> Encoder:
    """The Encoder of these fields, which stand at `path`."""
    config, faults = check_config(Encoder, fields)
    if faults:
        raise UserError(f"{path}: {'; '.join(_describe_fault(fault) for fault in faults)}")
    return cast(Encoder, config)


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """The JSON object of `folder/tokenizer.json`, None without the file."""
    path = folder / TOKENIZER_FILE
    return read_json(path) if path.exists() else None


def weight_file(folder: Path) -> Path | None:
    """The file that holds the weights, None where the folder has none; safetensors come before pickles."""
    files = (folder / name for name in (*WEIGHT_FILES, *PICKLE_FILES))
    return next((file for file in files if os.path.lexists(file)), None)


def _describe_fault(fault: Fault) -> str:
    return f"{'.'.join(fault.key)}: {fault.message}" if fault.key else fault.message
