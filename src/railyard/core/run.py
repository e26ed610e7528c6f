"""The run folder: claimed so that two runs cannot share it, locked while written, traceable by provenance.

`outputs/<verb>/<experiment>/<UTC time>_<short id>/`; the files in it are listed in the user guide.
"""

import copy
import fcntl
import importlib.metadata
import json
import os
import platform
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any

import yaml

from railyard.core import devices, durable
from railyard.core.errors import UserError

SCHEMA_VERSION = 1
SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C ten times as fast
PER_CALL = ("json", "validate_config", "resume")  # of one call, not of the run
CHANGEABLE = (
    "trainer.max_steps",
    "trainer.max_epochs",
    "trainer.devices",
    "trainer.accelerator",
    "trainer.log_every_n_steps",
    "data.workers",
    "data.prefetch",
    "logger",
    "callbacks.progress",
    "extras",
    "test",
    "tags",
)


def new_name(parent: Path) -> Path:
    """A name for a run folder below `parent`; `claim` decides whether it is free."""
    return parent / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{secrets.token_hex(3)}"


def claim(folder: Path) -> bool:
    """Make the folder; False if it exists, so that two runs of one second can never share it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


_held: set[Path] = set()
_locks: set[IO[str]] = set()


def _let_go() -> None:
    """In a forked child: a loader's worker that outlives a killed run by seconds must not keep the folder locked."""
    for lock in _locks:
        lock.close()


os.register_at_fork(after_in_child=_let_go)


class Busy(UserError):
    """Another process writes the folder."""


@contextmanager
def locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the folder for this process (also when it holds it already); a second process is told so.

    Raises Busy after `patience` seconds.
    """
    if folder.resolve() in _held:
        yield
        return
    with (folder / ".lock").open("w") as lock:
        if not _lock(lock, patience):
            raise Busy(f"{folder} is being written by another process; wait for it or stop it")
        _held.add(folder.resolve())
        _locks.add(lock)
        try:
            yield
        finally:
            _locks.discard(lock)
            _held.discard(folder.resolve())


def _lock(lock: IO[str], patience: float) -> bool:
    until = time.monotonic() + max(patience, 0.05)  # `is_locked` of another process holds it for an instant
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


def is_locked(folder: Path) -> bool:
    """Whether a process writes the folder at this moment. On a network file system only processes of this host."""
    try:
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def name_of(folder: Path) -> str:
    """What a run is called: the name of its folder; `<sweep>/<n>` for the numbered runs of a sweep."""
    return f"{folder.parent.name}/{folder.name}" if folder.name.isdigit() else folder.name


def experiment_of(folder: Path) -> str:
    """The experiment that a run folder's own record names; "none" where there is no record or it names none."""
    record = folder / ".hydra" / "hydra.yaml"
    if not record.is_file():
        return "none"
    hydra = yaml.safe_load(record.read_text(encoding="utf-8"))
    return str(hydra["hydra"]["runtime"]["choices"].get("experiment") or "none")


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """`config.yaml`: the resolved config as plain values."""
    durable.write_text(folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False, width=110))


def read_config(folder: Path) -> dict[str, Any]:
    """The resolved config of a run folder."""
    file = folder / "config.yaml"
    if not file.is_file():
        raise UserError(f"{folder} is not a run folder: it holds no config.yaml; give the folder of a run")
    config = read_yaml(file)
    if not isinstance(config, dict):
        raise UserError(f"{file} does not hold a mapping; restore it from .hydra/config.yaml")
    return config


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


def resumed_config(
    stored: Mapping[str, Any], composed: Mapping[str, Any], given: Iterable[str], folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """The config of a resumed run in `folder`, and the lines that say what changed."""
    before = moved(stored, str(stored.get("paths", {}).get("output_dir")), str(folder))
    after = changed_for_resume(before, composed, [key for key in given if key not in PER_CALL])
    _keep_global_batch(after, global_batch(folder))
    changes = differences(before, after)
    return {**after, **{key: composed[key] for key in PER_CALL if key in composed}}, changes


def global_batch(folder: Path) -> int | None:
    """Rows of a micro-batch over all ranks when the run began; None if it did not come so far."""
    record = folder / "provenance.json"
    if not record.is_file():
        return None
    facts: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return facts.get("global_batch")


def _keep_global_batch(config: dict[str, Any], rows: int | None) -> None:
    """On another number of ranks each takes another share of the same global batch."""
    ranks = devices.ranks(config.get("trainer") or {})
    if rows is None or "batch_size" not in (config.get("data") or {}):
        return
    if rows % ranks:
        raise UserError(
            f"this run was begun in batches of {rows} rows over all ranks, which {ranks} ranks cannot share evenly; "
            "resume it on a number of trainer.devices that divides them"
        )
    config["data"] = {**config["data"], "batch_size": rows // ranks}


def moved(node: Any, old: str, new: str) -> Any:
    """A copy in which paths inside the folder `old` lead to `new`."""
    if isinstance(node, Mapping):
        return {key: moved(value, old, new) for key, value in node.items()}
    if isinstance(node, list):
        return [moved(value, old, new) for value in node]
    inside = isinstance(node, str) and (node == old or node.startswith(old + os.sep))
    return new + node[len(old) :] if inside else node


def changed_for_resume(stored: Mapping[str, Any], composed: Mapping[str, Any], given: Iterable[str]) -> dict[str, Any]:
    """The run's own config with the few changes a resume may make, taken from the newly composed config.

    `given` are the dotted keys of this command line; any other than `CHANGEABLE` is refused.
    """
    config = copy.deepcopy(dict(stored))
    for key in given:
        if not any(key == allowed or key.startswith(allowed + ".") for allowed in CHANGEABLE):
            raise UserError(
                f"{key} may not change on resume (the result would not be the same run); "
                f"changeable: {', '.join(CHANGEABLE)}. For a new run use ckpt_path="
            )
        _copy_value(composed, config, key.split("."))
    return config


def _copy_value(source: Mapping[str, Any], target: dict[str, Any], key: list[str]) -> None:
    """Copy the value at `key`; one that was deleted from `source` (`~callbacks.progress`) goes from `target` too."""
    *above, last = key
    for part in above:
        source = source.get(part) or {}
        if not isinstance(target.get(part), dict):
            target[part] = {}
        target = target[part]
    if last in source:
        target[last] = source[last]
    else:
        target.pop(last, None)


def differences(before: Any, after: Any, key: str = "") -> list[str]:
    """Lines `key: old -> new` for the leaves in which two plain containers differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = [*before, *(name for name in after if name not in before)]
        below = (differences(before.get(n), after.get(n), f"{key}.{n}".lstrip(".")) for n in names)
        return [line for lines in below for line in lines]
    return [] if before == after else [f"{key}: {before!r} -> {after!r}"]


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
        "packages": {name: _version(name) for name in names},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "device": _device()},
        **facts,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_state() -> dict[str, Any]:
    """Commit and dirty flag of the checkout that Railyard runs from; nulls for an installed wheel."""
    root = Path(__file__).resolve().parents[3]

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


class StopSignals:
    """SIGINT, SIGTERM and SIGHUP set `requested`, so that work is saved first; a second one interrupts at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.requested: str | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            # nohup ignores SIGHUP so that the run outlives its terminal
            wanted = [n for n in self.SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._handle) for number in wanted}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = signal.Signals(number).name


class Stopped(Exception):
    """A signal asked to stop, and everything was saved."""
