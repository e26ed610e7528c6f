"""From `inputs` of a bundle back to the features that it was trained on."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from railyard.core.errors import UserError
from railyard.tlg8.features.config import SCHEMA_VERSION, Features


def features_of(inputs: dict[str, Any], path: Path) -> Features:
    """The features that `Features.canonical` described. UserError where this version computes others."""
    version = inputs.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path} was trained on features of version {version}, and this Railyard computes version "
            f"{SCHEMA_VERSION}: use the Railyard that it was made with, or train it anew"
        )
    try:
        columns = [column["name"] for column in inputs["columns"]]
        features = Features(columns=columns, pixels=inputs["pixels"], allow_answer=True)
    except (KeyError, TypeError, ValidationError) as fault:
        raise UserError(f"{path} does not say what its features are ({_first(fault)}): copy the bundle again") from None
    if features.canonical() != inputs:
        raise UserError(f"{path} was trained on features that this Railyard computes otherwise: train it anew")
    return features


def _first(fault: Exception) -> str:
    if isinstance(fault, ValidationError):
        return str(fault.errors()[0]["msg"])
    return " ".join(str(fault).split())
