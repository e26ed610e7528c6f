"""`checkpoints/manifest.json` of a run folder, read: which checkpoints there are, which is last and which is best.

`core/training/checkpoint.py` writes it.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from railyard.core.store.reading import read_json

MANIFEST = "manifest.json"
ADVICE = "restore it, start the run anew, or resume with the version that wrote it"


class _Facts(BaseModel):
    step: Annotated[int, Field(ge=0)]
    sha256: str
    best: str | None = None
    best_value: float | None = None


class _Manifest(BaseModel):
    last: str | None = None
    best: str | None = None
    best_value: float | None = None
    files: dict[str, _Facts]


def read_manifest(folder: Path, schema_version: int | None = None) -> dict[str, Any] | None:
    """What a folder of checkpoints holds, None where it has no manifest; UserError where that is none of ours."""
    path = folder / MANIFEST
    return read_json(path, ADVICE, schema_version=schema_version, shape=_Manifest) if path.exists() else None
