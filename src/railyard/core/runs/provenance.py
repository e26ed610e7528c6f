"""provenance.json: what made a run: code, versions, machine, seed, command line, fingerprints of its data."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from railyard.core.package import source_hash, version_of
from railyard.core.store.reading import read_json

SCHEMA_VERSION = 1
FILE = "provenance.json"
MOST_THREADS = 4096


def provenance(command: list[str], seed: int | None = None, **facts: Any) -> dict[str, Any]:
    """What made a run: code, versions, machine, seed, command line, and what the caller adds (fingerprints)."""
    names = ("railyard", "torch", "lightning", "hydra-core", "numpy", "numba", "pydantic", "safetensors")
    return {
        "schema_version": SCHEMA_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "code": {"source_sha256": source_hash(), **_git_state()},
        "python": platform.python_version(),
        "packages": {name: version_of(name) for name in names},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "device": _device()},
        **facts,
    }


class _Code(BaseModel):
    source_sha256: str = ""
    git_commit: str | None = None
    git_dirty: bool | None = None


class _Machine(BaseModel):
    system: str = ""
    cores: int | None = None
    device: str = ""


class _Provenance(BaseModel):
    created_at: str = ""
    command: list[str] = []
    seed: int | None = None
    code: _Code = _Code()
    python: str = ""
    packages: dict[str, str | None] = {}
    machine: _Machine = _Machine()
    data: dict[str, Any] = {}
    stands_on: dict[str, Any] = {}
    player: dict[str, Any] = {}
    global_batch: int | None = None
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] = 1


def read(folder: Path) -> dict[str, Any]:
    """provenance.json of a run folder, empty where there is none; UserError where it is not what was written."""
    return read_json(folder / FILE, shape=_Provenance)


def _git_state() -> dict[str, Any]:
    """Commit and dirty flag of the checkout that Railyard runs from; nulls for an installed wheel."""
    root = Path(__file__).resolve().parents[4]

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if not (root / ".git").exists():
        return {"git_commit": None, "git_dirty": None}
    status = git("status", "--porcelain", "--untracked-files=no")
    return {"git_commit": git("rev-parse", "HEAD"), "git_dirty": None if status is None else bool(status)}


def _device() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return platform.processor() or platform.machine()
