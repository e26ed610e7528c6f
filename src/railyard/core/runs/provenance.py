"""provenance.json: what made a run: code, versions, machine, seed, command line, fingerprints of its data.

Code is Railyard's and the user's own: the modules of the classes that the call admits, and where it was made.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from railyard.core.package import source_hash, version_of
from railyard.core.runs import own_code
from railyard.core.store.reading import read_json

SCHEMA_VERSION = 1
FILE = "provenance.json"
MOST_THREADS = 4096


def provenance(command: list[str], seed: int | None = None, allow: Iterable[str] = (), **facts: Any) -> dict[str, Any]:
    """What made a run: code, versions, machine, seed, command line, and what the caller adds (fingerprints).

    `allow`: classes of the user's own that the call admits.
    """
    names = ("railyard", "torch", "lightning", "hydra-core", "numpy", "numba", "pydantic", "safetensors")
    return {
        "schema_version": SCHEMA_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "code": {"source_sha256": source_hash(), **_own_checkout()},
        "own_code": {"modules": own_code.digests(allow), **_git_state(Path.cwd())},
        "working_folder": str(Path.cwd()),
        "python": platform.python_version(),
        "packages": {name: version_of(name) for name in names},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "device": _device()},
        **facts,
    }


class _Code(BaseModel):
    source_sha256: str = ""
    git_commit: str | None = None
    git_dirty: bool | None = None


class _OwnCode(BaseModel):
    modules: dict[str, str] = {}
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
    own_code: _OwnCode = _OwnCode()
    working_folder: str | None = None
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


def _own_checkout() -> dict[str, Any]:
    """State of the checkout that Railyard runs from; nulls for an installed wheel, which may lie in another one."""
    root = Path(__file__).resolve().parents[4]
    return _git_state(root) if (root / ".git").exists() else {"git_commit": None, "git_dirty": None}


def _git_state(folder: Path) -> dict[str, Any]:
    """Commit and dirty flag of the checkout that a folder lies in; nulls outside of one."""
    commit = _git(folder, "rev-parse", "HEAD")
    status = None if commit is None else _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"git_commit": commit, "git_dirty": None if status is None else bool(status)}


def _git(folder: Path, *words: str) -> str | None:
    """What git says; a hook that the folder's own settings name is not run."""
    call = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *words]
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _device() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return platform.processor() or platform.machine()
