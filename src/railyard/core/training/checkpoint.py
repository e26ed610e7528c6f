"""Checkpoints on disk: written whole, loaded without running code, listed in a manifest that commits them.

`checkpoints/` holds `step-<n>.ckpt` files, `manifest.json` (what is last, what is best, sizes and sha256) and the
links `last.ckpt` and `best.ckpt`. A file that the manifest does not name does not exist for a resume.
"""

import logging
import re
from pathlib import Path
from typing import IO, Any, cast

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from railyard.core.errors import UserError
from railyard.core.runs.checkpoints import ADVICE, MANIFEST, read_manifest
from railyard.core.store import durable
from railyard.core.store.tensors import load_tensors

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
STEP_FILE = re.compile(r"step-\d{9,}\.ckpt")


class DurableIO(CheckpointIO):
    """Lightning's door to the disk, on the one write recipe."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with durable.atomic_file(Path(path)) as file:
            sink = _Sink(file)
            try:
                torch.save(checkpoint, cast(IO[bytes], sink))
            except RuntimeError as fault:
                raise sink.fault or fault from None

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return load(Path(path), map_location)

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


class _Sink:
    """Remembers why a write failed: torch's archive writer fails once more while closing and hides the full disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self.file.write(data)
        except OSError as fault:
            self.fault = fault
            raise

    def flush(self) -> None:
        self.file.flush()


def load(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """A checkpoint's content, tensors and plain containers only."""
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}; give a .ckpt file of a run's checkpoints folder")
    _refuse_damaged(path.resolve())
    content = load_tensors(path, map_location, "take another checkpoint of the run")
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(weight, torch.Tensor) for weight in state.values()):
        raise UserError(f"{path} is not a Lightning checkpoint: it has no state_dict of tensors")
    assert isinstance(content, dict)
    return content


def _refuse_damaged(path: Path) -> None:
    """A checkpoint of a run folder is compared with what its manifest says: a flipped bit can be a NaN."""
    manifest = _manifest(path.parent) or {"files": {}}
    facts = manifest["files"].get(path.name)
    if facts is not None and durable.sha256_of(path) != facts["sha256"]:
        raise UserError(f"{path} is damaged: its sha256 is not that of {MANIFEST}; take another checkpoint of the run")


class CheckpointFolder:
    """The checkpoints of one run, newest last. Each entry also says what was best when it was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content: dict[str, Any] = _manifest(folder) or {
            "schema_version": SCHEMA_VERSION,
            "last": None,
            "best": None,
            "best_value": None,
            "files": {},
        }

    def begin(self) -> None:
        """Write the manifest of no checkpoint, unless there is one: from now on its absence is damage."""
        if not (self.folder / MANIFEST).exists():
            self._publish()

    def path_for(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}.ckpt"

    def commit(self, path: Path, step: int, keep: int, best_value: float | None) -> None:
        """Name a written file as the last one (and the best one, if it has a best value), then forget old ones.

        The manifest is durable before anything is deleted, and never loses the last or the best file, nor what was
        best when one of the `keep` newest was written: a resume may have to fall back to it.
        """
        if best_value is not None:
            self.content.update(best=path.name, best_value=best_value)
        files = self.content["files"]
        files.pop(path.name, None)
        files[path.name] = {
            "step": step,
            "bytes": path.stat().st_size,
            "sha256": durable.sha256_of(path),
            "best": self.content["best"],
            "best_value": self.content["best_value"],
        }
        self.content["last"] = path.name
        newest = list(files)[-keep:]
        wanted = {*newest, *(files[name]["best"] for name in newest)}
        self.content["files"] = {name: facts for name, facts in files.items() if name in wanted}
        self._publish()

    def go_back_to(self, path: Path) -> None:
        """Forget what came after this file: a run that goes on from it will write that anew."""
        files = self.content["files"]
        facts = files[path.name]
        kept = {name: other for name, other in files.items() if other["step"] <= facts["step"]}
        best = facts["best"] if facts["best"] in kept else None
        self.content.update(files=kept, last=path.name, best=best, best_value=facts["best_value"])
        self._publish()

    def _publish(self) -> None:
        durable.write_json(self.folder / MANIFEST, self.content)
        self._link("last")
        self._link("best")
        for stale in self.folder.glob("step-*.ckpt"):
            if stale.name not in self.content["files"]:
                stale.unlink()

    def _link(self, role: str) -> None:
        link = self.folder / f"{role}.ckpt"
        if self.content[role] is None:
            link.unlink(missing_ok=True)
            return
        temporary = self.folder / f".{role}.link"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self.content[role])
        temporary.replace(link)

    def best(self) -> Path | None:
        """The best checkpoint, else the last one."""
        name = self.content["best"] or self.content["last"]
        return self.folder / name if name else None

    def step_of(self, path: Path) -> int:
        """The optimizer step after which a committed file was written."""
        step: int = self.content["files"][path.name]["step"]
        return step

    def newest_good(self) -> Path:
        """The newest file whose bytes are those committed; damaged ones are named and passed over."""
        for name, facts in sorted(self.content["files"].items(), key=lambda item: -item[1]["step"]):
            path: Path = self.folder / name
            if path.is_file() and durable.sha256_of(path) == facts["sha256"]:
                return path
            log.warning("%s is damaged or gone; falling back to the checkpoint before it", path)
        raise UserError(f"{self.folder} holds no complete checkpoint; start the run anew")


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest, which names files of its folder: it decides which are read and which are deleted."""
    content = read_manifest(folder, SCHEMA_VERSION)
    if content is None:
        return None
    files = content["files"]
    named = [content.get("last"), content.get("best"), *files, *(facts.get("best") for facts in files.values())]
    if not all(name is None or STEP_FILE.fullmatch(name) for name in named):
        raise UserError(f"{folder / MANIFEST} does not list checkpoints of this folder: {ADVICE}")
    return content
