"""Append-only JSON lines that survive a kill: metrics, trials, anything recorded while it happens.

One write per line; each line ends with a checksum of itself as its last key, `crc`. A process killed in the
middle of a write leaves a torn last line, one without a line end: readers drop it and say so. Any other
damage is refused. One process at a time writes a journal.
"""

import json
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from railyard.core.errors import UserError
from railyard.core.store.durable import atomic_file, explain_full_disk, fsync, open_own
from railyard.core.store.reading import bounded_lines, open_regular, parse_json

logger = logging.getLogger(__name__)

LONGEST_LINE = 16 * 2**20  # bytes

_SEAL = '"crc":"{:08x}"}}\n'
_SEAL_LENGTH = len(_SEAL.format(0))


class Journal:
    """A journal open for appending. Opening makes a missing file and cuts a torn last line off.

    Raises UserError on damage other than that, RailyardError when the disk is full: a line is then
    appended whole or not at all.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = open_own(self.path, os.O_WRONLY | os.O_APPEND)
        os.ftruncate(self._descriptor, sum(len(line) for line, _ in _lines(self.path)))
        self.sync()
        fsync(self.path.parent)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, record: Mapping[str, Any]) -> None:
        """Adds one record. It outlives this process at once, and the machine after `sync`."""
        if "crc" in record:
            raise ValueError(f"a record cannot have the key 'crc', which is the line's checksum: {record}")
        line = _sealed(json.dumps(dict(record), separators=(",", ":")).encode())
        with explain_full_disk(self.path):
            _write_whole(self._descriptor, line)

    def sync(self) -> None:
        """Forces what was appended to the disk."""
        with explain_full_disk(self.path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Syncs and closes; a second call does nothing."""
        if self._descriptor >= 0:
            self.sync()
            os.close(self._descriptor)
            self._descriptor = -1


def read(path: Path | str) -> list[dict[str, Any]]:
    """All records, oldest first. A torn last line is dropped with a warning in the log.

    Raises UserError with file and line when a line is damaged.
    """
    return list(records(path))


def records(path: Path | str) -> Iterator[dict[str, Any]]:
    """The records one by one, as `read` gives them."""
    return (record for _, record in _lines(Path(path)))


def cut(path: Path | str, keep: Callable[[dict[str, Any]], bool]) -> int:
    """Rewrites the journal with the records that `keep` wants; returns how many went. No writer may be open.

    The file is the old one or the new one at every moment.
    """
    gone = 0
    with atomic_file(path) as file:
        for line, record in _lines(Path(path)):
            if keep(record):
                file.write(line)
            else:
                gone += 1
    return gone


def _sealed(body: bytes) -> bytes:
    comma = b"" if body == b"{}" else b","
    return body[:-1] + comma + _SEAL.format(zlib.crc32(body)).encode()


def _body(line: bytes) -> bytes | None:
    """The record's JSON, or None if the line is not what was written."""
    body = line[:-_SEAL_LENGTH].removesuffix(b",") + b"}"
    return body if _sealed(body) == line else None


def _write_whole(descriptor: int, line: bytes) -> None:
    start = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        while line:  # a short write happens when the disk is nearly full; the next one says so
            line = line[os.write(descriptor, line) :]
    except BaseException:
        os.ftruncate(descriptor, start)  # half a line before the next one would be damage
        raise


def _lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with open_regular(path) as file:
        for number, line in enumerate(bounded_lines(file, path, LONGEST_LINE), start=1):
            body = _body(line)
            if body is not None:
                yield line, _record(body, path, number)
            elif line.endswith(b"\n"):
                raise UserError(
                    f"{path} is damaged at line {number}: its checksum does not fit; restore the file, or "
                    "delete that line if it is not needed"
                )
            else:
                logger.warning("%s: dropped a torn last line (line %d, %d bytes)", path, number, len(line))


def _record(body: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = parse_json(body)
    except ValueError as fault:
        raise UserError(f"{path} is not as it was written, at line {number} ({fault}): restore it") from None
    if not isinstance(record, dict):
        raise UserError(f"{path} has no object at line {number}: restore it")
    return record
