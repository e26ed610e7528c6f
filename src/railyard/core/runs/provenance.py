"""provenance.json: what made a run: code, versions, machine, seed, command line, fingerprints of its data."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from railyard.core.package import version_of

SCHEMA_VERSION = 1


def provenance(command: list[str], seed: int | None = None, **facts: Any) -> dict[str, Any]:
    """What made a run: code, versions, machine, seed, command line, and what the caller adds (fingerprints)."""
    from railyard.core.compiled import source_hash  # brings numba, which a check of a config has no need of

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
