"""Hostile folders and mutated files, given to the readers of the verbs. What can be attacked: attack_kinds.py.

A trial writes a good artifact, spoils it, and calls every reader of it in a forked child of a process in which all
readers are warm. Each call may end with a value or with one sentence. A fault is anything else: a traceback, code that
ran, a write outside `out`, more than MEMORY beyond the warm process, more than SECONDS, a process that died.
"""

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

MEMORY = 200 * 2**20
SECONDS = 60
CEILING = 3 * 2**30  # of address space beyond the warm process: what a child may map before it gets a MemoryError
BATCH = 40  # trials of one child
# of Python's audit events; provenance asks git for the commit
RUNS_CODE = {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "socket.connect"}
CHANGES_FILES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

Reader = Callable[[Path, Path], object]  # of the artifact's folder and a folder to write in


@dataclass(frozen=True)
class Kind:
    """An artifact: the files of a good one, and what the verbs do with it."""

    name: str
    files: dict[str, bytes]
    readers: tuple[Reader, ...]

    def write(self, folder: Path) -> None:
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


@dataclass(frozen=True)
class Trial:
    kind: Kind
    what: str
    spoil: Callable[[Path], object] = field(repr=False)


@dataclass
class Outcome:
    """How the readers of a trial ended: values, sentences, and faults; bytes beyond the warm process, seconds."""

    trial: Trial
    values: int = 0
    sentences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    memory: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.trial.kind.name}: {self.trial.what}: {'; '.join(self.faults)}"


def run(trials: Sequence[Trial], place: Path) -> Iterator[Outcome]:
    """Every trial once, in children that each do some; a child that dies is a fault of the trial it was at."""
    place.mkdir(parents=True)
    done = 0
    while done < len(trials):
        batch = trials[done : done + BATCH]
        found = list(_run_in_child(batch, place))
        yield from found
        done += len(found)


def _run_in_child(batch: Sequence[Trial], place: Path) -> Iterator[Outcome]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads, which the child does not need
        child = os.fork()
    if not child:
        os.close(reading)
        _be_a_child(batch, place, writing)
    os.close(writing)
    ended = 0
    with os.fdopen(reading) as lines:
        for trial, line in zip(batch, lines, strict=False):
            yield Outcome(trial, **json.loads(line))
            ended += 1
    _, status = os.waitpid(child, 0)
    if ended < len(batch):
        code = os.waitstatus_to_exitcode(status)
        ending = {-signal.SIGALRM: f"took more than {SECONDS} s"}.get(code, f"the process ended with {code}")
        yield Outcome(batch[ended], faults=[ending])


def _be_a_child(batch: Sequence[Trial], place: Path, writing: int) -> None:
    """Never returns. Output goes nowhere; results go through the pipe."""
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        faulthandler.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + CEILING, mapped + CEILING))
        watch = Watch(place / "out")
        for trial in batch:
            os.write(writing, json.dumps(_try(trial, place, watch)).encode() + b"\n")
        code = 0
    finally:
        os._exit(code)


def _try(trial: Trial, place: Path, watch: "Watch") -> dict[str, Any]:
    for name in ("artifact", "outside", "out"):
        shutil.rmtree(place / name, ignore_errors=True)
        (place / name).mkdir()
    trial.kind.write(place / "artifact")
    (place / "outside" / "mine").write_text("mine")
    trial.spoil(place / "artifact")
    os.chdir(place / "out")
    found: dict[str, Any] = {"values": 0, "sentences": [], "faults": []}
    before, start = _reset_peak(), time.monotonic()
    watch.seen = []
    for read in trial.kind.readers:
        signal.alarm(SECONDS)
        try:
            watch.is_on = True
            read(place / "artifact", place / "out")
            found["values"] += 1
        except SystemExit as end:
            found["faults"] += [f"exit code {end.code}"] if end.code not in (None, 0, 1, 2) else []
        except BaseException as fault:  # noqa: BLE001 (that it is none of ours is what is looked for)
            _note(fault, found)
        finally:
            watch.is_on = False
    signal.alarm(0)
    found["memory"], found["seconds"] = _status("VmHWM") - before, time.monotonic() - start
    found["faults"] += watch.seen
    if found["memory"] > MEMORY:
        found["faults"].append(f"took {found['memory'] >> 20} MiB")
    if [path.name for path in sorted((place / "outside").iterdir())] != ["mine"] or (
        (place / "outside" / "mine").read_text() != "mine"
    ):
        found["faults"].append("changed what lies outside")
    return found


def _note(fault: BaseException, found: dict[str, Any]) -> None:
    from railyard.core.errors import RailyardError
    from railyard.core.verbs.launch import UNUSABLE

    if isinstance(fault, RailyardError) or (isinstance(fault, OSError) and fault.errno in UNUSABLE):
        found["sentences"].append(str(fault)[:300])
        return
    where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(fault.__traceback__)[-4:]]
    found["faults"].append(f"{type(fault).__name__}: {str(fault)[:200]} ({' '.join(where)})")


class Watch:
    """Notes what Python does that only code of a stranger would: processes, connections, writes outside `out`."""

    def __init__(self, out: Path) -> None:
        self.out, self.is_on, self.seen = os.path.realpath(out) + os.sep, False, list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, words: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if (event in RUNS_CODE and words[0] != "git") or (event == "import" and words[0] == "attack_canary"):
            self.seen.append(f"ran {event} {words[0]!r}"[:200])
        elif event == "open" and isinstance(words[0], str | bytes) and isinstance(words[2], int):
            if words[2] & WRITING:
                self._path("open", words[0])
        elif event in CHANGES_FILES:
            for word in words[:2]:
                if isinstance(word, str | bytes):
                    self._path(event, word)

    def _path(self, event: str, word: str | bytes) -> None:
        path = os.path.abspath(os.fsdecode(word))  # noqa: PTH100 (a link itself may be removed)
        if not (path + os.sep).startswith(self.out) and path != os.devnull:
            self.seen.append(f"{event} {path}")


def _reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) << 10


EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 255, 2**31, 2**63, 10**30, 1.5, -0.0, 1e308, float("nan"), float("inf"), ""),
    *("x", "../../outside/mine", "/etc/passwd", "\u0000", "\ud800", "é" * 50, "9" * 400, "attack_canary.Evil"),
    *([], {}, [[]], [1, "a"], {"a": 1}, {"_target_": "attack_canary.Evil"}),
)


def mutations(kinds: Sequence[Kind], number: int, seed: int) -> Iterator[Trial]:
    """Seeded mutations, one file of one kind in turn."""
    random = Random(seed)
    for index in range(number):
        kind = kinds[index % len(kinds)]
        name = random.choice(sorted(kind.files))
        data = mutated(kind.files[name], name, random)
        yield Trial(kind, f"mutation {index} of {name}", lambda folder, name=name, data=data: _put(folder / name, data))


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def mutated(data: bytes, name: str, random: Random) -> bytes:
    """The file with other bytes, or, every second time where it can be taken apart, with other values in it."""
    structured = next((change for ends, change in STRUCTURED.items() if name.endswith(ends)), None)
    if structured and random.random() < 0.5:
        return structured(data, random)
    return other_bytes(data, random)


def other_bytes(data: bytes, random: Random) -> bytes:
    """One to four pieces of damage, a quarter of them near the beginning; sometimes the end is cut off."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not out:
            break
        at = random.randrange(min(len(out), 256) if random.random() < 0.25 else len(out))
        kind = random.randrange(7)
        if kind <= 1:
            out[at] ^= 1 << random.randrange(8)
        elif kind == 2:
            out[at] = random.choice(EXTREMES)
        elif kind == 3:
            del out[at : at + random.randint(1, 16)]
        elif kind == 4:
            out[at:at] = random.randbytes(random.randint(1, 16))
        elif kind == 5:
            end = at + random.randint(1, 64)
            out[at:end] = random.randbytes(len(out[at:end]))
        else:
            del out[at:]
    return bytes(out)


def other_values(tree: Any, random: Random) -> Any:
    """A tree of dicts and lists in which one to three places hold something else, are gone, or stand twice."""
    box = [tree]
    for _ in range(random.choice((1, 1, 2, 3))):
        holder, key = random.choice(list(_places(box)))
        action = random.random()
        if action < 0.7:
            holder[key] = deepcopy(random.choice(VALUES))
        elif action < 0.85 and holder is not box:
            del holder[key]
        elif isinstance(holder, dict):
            holder[random.choice(("x", "_target_", "schema_version", ""))] = holder[key]
        else:
            holder[key] = [holder[key], holder[key]]
    return box[0]


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _places(value)


def _json(data: bytes, random: Random) -> bytes:
    return json.dumps(other_values(json.loads(data), random)).encode()


def _json_lines(data: bytes, random: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = random.choice([at for at, line in enumerate(lines) if line.startswith(b"{")])
    lines[at] = _json(lines[at], random) + b"\n"
    return b"".join(lines)


def _journal(data: bytes, random: Random) -> bytes:
    """A line with other values and the checksum that belongs to them."""
    from railyard.core.store.journal import _sealed

    lines = data.splitlines(keepends=True)
    at = random.randrange(len(lines))
    record = json.loads(lines[at])
    del record["crc"]
    lines[at] = _sealed(json.dumps(other_values(record, random), separators=(",", ":")).encode())
    return b"".join(lines)


def _yaml(data: bytes, random: Random) -> bytes:
    import yaml

    tree = other_values(yaml.safe_load(data), random)
    return yaml.safe_dump(tree).encode(errors="replace")


def _gzip(data: bytes, random: Random) -> bytes:
    import gzip

    lines = gzip.decompress(data)
    return gzip.compress(_json_lines(lines, random) if random.random() < 0.7 else other_bytes(lines, random), 1)


def _safetensors(data: bytes, random: Random) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = _json(data[8 : 8 + size], random)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def _torch(data: bytes, random: Random) -> bytes:
    import io

    import torch

    content = _plain_lists(torch.load(io.BytesIO(data), weights_only=True))
    if random.random() < 0.3:
        holders = [(holder, key) for holder, key in _places([content]) if isinstance(holder[key], torch.Tensor)]
        holder, key = random.choice(holders)
        weight = holder[key]
        holder[key] = random.choice(
            (weight.reshape(-1)[:0], weight.int(), weight.reshape(-1)[0], torch.full_like(weight, torch.nan))
        )
    else:
        content = other_values(content, random)
    out = io.BytesIO()
    torch.save(content, out)
    return out.getvalue()


def _plain_lists(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _plain_lists(value) for key, value in node.items()}
    return [_plain_lists(value) for value in node] if isinstance(node, list | tuple) else node


def _npy(data: bytes, random: Random) -> bytes:
    """Another header: an extreme number in its text, or other bytes."""
    end = data.index(b"\n") + 1
    text = bytearray(data[10:end])
    digits = [at for at, byte in enumerate(text) if chr(byte).isdigit()]
    at = random.choice(digits)
    text[at : at + 1] = random.choice((b"0", b"9", b"-1", b"99999999999999999999", b"[1]", b"'O'", b"None"))
    text = text.rstrip(b" \n") + b" " * 64 + b"\n"
    return data[:8] + len(text).to_bytes(2, "little") + bytes(text) + data[end:]


def _sqlite(data: bytes, random: Random) -> bytes:
    """Other values in one column of a table, another type of column, or a table that is gone."""
    import sqlite3

    database = sqlite3.connect(":memory:")
    database.deserialize(data)
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = random.choice(tables)
    column = random.choice([row[1] for row in database.execute(f"PRAGMA table_info({table})")])
    value = random.choice((None, -1, 2**62, 1.5, "x", b"\xff", "é" * 99, float("inf")))
    try:
        if random.random() < 0.7:
            database.execute(f"UPDATE OR REPLACE {table} SET {column} = ?", (value,))
        elif random.random() < 0.5:
            database.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")
        else:
            database.execute(f"DELETE FROM {table}")
        database.commit()
    except sqlite3.Error:
        database.rollback()
    return bytes(database.serialize())


STRUCTURED: dict[str, Callable[[bytes, Random], bytes]] = {
    "metrics.jsonl": _journal,
    ".jsonl": _json_lines,
    ".json": _json,
    ".yaml": _yaml,
    ".gz": _gzip,
    ".safetensors": _safetensors,
    ".ckpt": _torch,
    ".pt": _torch,
    ".npy": _npy,
    ".db": _sqlite,
}
