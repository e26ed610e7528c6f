"""Reads the JSON and YAML files of a run folder: plain values, or one sentence that says what is wrong."""

import json
from pathlib import Path
from typing import Any

import yaml

from railyard.core.errors import UserError

SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C ten times as fast


def read_yaml(file: Path) -> Any:
    """The plain values of a YAML file."""
    try:
        return yaml.load(file.read_bytes(), SafeLoader)
    except yaml.YAMLError as fault:
        raise UserError(f"{file} is not readable YAML: {' '.join(str(fault).split())}") from None


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no file."""
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as fault:
        raise UserError(f"{file} is not readable JSON ({fault})") from None
    if not isinstance(content, dict):
        raise UserError(f"{file} does not hold a JSON object")
    return content
