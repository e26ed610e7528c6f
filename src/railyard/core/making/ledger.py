"""What a folder job has done, noted in its output folder, so that the same command goes on after a kill.

The first record of `ledger.jsonl` says what the folder holds and with which settings; each further one is a
file done. A file is written before it is noted: one without a note is made again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from railyard.core import package
from railyard.core.errors import UserError
from railyard.core.making.outputs import refuse_occupied
from railyard.core.store import durable, journal
from railyard.core.store.lock import locked

LEDGER = "ledger.jsonl"
VERSION = 1


class Ledger:
    """The files done, by relpath."""

    def __init__(self, lines: journal.Journal, done: dict[str, dict[str, Any]]) -> None:
        self._journal, self._done = lines, done

    def done(self, relpath: str, source_sha256: str, place: Path) -> dict[str, Any] | None:
        """The record of a file, if it was made of this very source and stands as it was written."""
        record = self._done.get(relpath)
        if record is None or record["source_sha256"] != source_sha256 or not place.is_file():
            return None
        return record if durable.sha256_of(place) == record["sha256"] else None

    def note(self, record: dict[str, Any]) -> None:
        """Adds a file that is on the disk: `relpath`, `source_sha256`, `sha256` and what else is to be known."""
        self._journal.append(record)
        self._journal.sync()
        self._done[record["relpath"]] = record


@contextmanager
def open_ledger(out: Path, kind: str, settings: Mapping[str, Any]) -> Iterator[Ledger]:
    """The ledger of folder `out`, begun with these settings or taken up.

    UserError if `out` holds anything else, was begun with other settings, or is being written by another process.
    """
    path, facts = out / LEDGER, {"ledger_version": VERSION, "kind": kind, "settings": dict(settings)}
    if not path.is_file():
        refuse_occupied(out, f"a folder of {kind}")
        out.mkdir(parents=True, exist_ok=True)
        path.touch()
    with locked(out):
        noted = journal.read(path)
        if noted and {key: noted[0].get(key) for key in facts} != facts:
            raise UserError(
                f"{out} was begun as {noted[0].get('kind')} with {noted[0].get('settings')}, this is {kind} with "
                f"{facts['settings']}: choose another out="
            )
        for folder in [out, *(each for each in out.rglob("*") if each.is_dir())]:
            durable.remove_leftovers(folder)
        with journal.Journal(path) as lines:
            if not noted:
                lines.append({**facts, "railyard_version": package.__version__})
            yield Ledger(lines, {record["relpath"]: record for record in noted[1:]})
