"""A data set of scenes under construction: pieces of some images, each whole or not there, joined at the end.

    .OUT.partial/origin.json                  what is made, and of what: the same origin goes on after a kill
    .OUT.partial/notes/00000.json             a piece that is done: its records, and what was counted
    .OUT.partial/scenes/images/00000/         the images of that piece
    .OUT.partial/scenes/scenes.jsonl          all records, once all pieces are there

A piece is decided by its content alone, so the data set has the same bytes for any number of workers.
"""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from railyard.core.errors import UserError
from railyard.core.making.outputs import refuse_occupied
from railyard.core.store import durable
from railyard.core.store.lock import locked
from railyard.core.store.workers import cores, map_in_processes
from railyard.stage2.scenes.records import RECORDS

log = logging.getLogger(__name__)

PIECE = 100  # images: about a second of one core's work, which is what a kill costs
PIECES_A_WORKER = 3  # a worker takes a second or two to start

Progress = Callable[[int, int, int], None]  # images done, in all, and done before this call
Content = TypeVar("Content")


@dataclass
class Made:
    """What came of one piece: its records in order, what was counted, and what was left out."""

    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)


Work = Callable[[Content, Path, str], Made]  # content, folder for its images, that folder's path in a record


@contextmanager
def work_folder(out: Path, origin: Mapping[str, Any]) -> Iterator[Path]:
    """The work folder of `out`, taken up if it was begun with the same origin, else empty.

    It stays after an interrupt or a kill and goes after a user's mistake. UserError if another process works in it.
    """
    out = out.resolve()
    folder = out.with_name(f".{out.name}.partial")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if not _begun_as(folder, origin):
            _empty(folder)
            durable.write_json(folder / "origin.json", origin)
        try:
            yield folder
        except UserError:
            shutil.rmtree(folder)
            raise
        except BaseException:
            log.warning("%s keeps what is done: the same command goes on from there", folder)
            raise


def build(
    folder: Path, pieces: Sequence[Content], images: int, work: Work[Content], workers: int | None, progress: Progress
) -> None:
    """Makes the pieces that are not there yet, of `images` in all. Raises the UserError that a piece met."""
    for each in (folder / "notes", folder / "scenes" / "images"):
        each.mkdir(parents=True, exist_ok=True)
    for each in (folder, folder / "notes", folder / "scenes", folder / "scenes" / "images"):
        durable.remove_leftovers(each)
    rest = [(number, content) for number, content in enumerate(pieces) if not _note(folder, number).is_file()]
    before = done = images if not rest else min(images, (len(pieces) - len(rest)) * PIECE)
    if before:
        log.info("going on: %d of %d images are done", before, images)
    count = workers or max(1, min(cores(), len(rest) // PIECES_A_WORKER))
    with closing(map_in_processes(partial(_make, folder=folder, work=work), rest, count)) as made:
        for fault in made:
            if fault is not None:
                raise fault
            done = min(images, done + PIECE)
            progress(done, images, before)


def publish(
    folder: Path, out: Path, pieces: int, origin: Mapping[str, Any], before: Mapping[str, int] = MappingProxyType({})
) -> dict[str, Any]:
    """Joins the pieces and gives the data set its place; its manifest. `before`: what was counted before them."""
    data, counts, skipped = folder / "scenes", Counter(before), list[str]()
    with durable.atomic_file(data / RECORDS) as file:
        for number in range(pieces):
            made = json.loads(_note(folder, number).read_bytes())
            file.write("".join(made["lines"]).encode())
            counts.update(made["counts"])
            skipped += made["skipped"]
    if not counts["images"]:
        raise UserError(f"no image is left, nothing was written{f': {skipped[0]}' if skipped else ''}")
    facts = {**origin, "counts": dict(counts), "skipped": skipped}
    durable.write_manifest(data, facts)
    data.rename(out.resolve())
    durable.fsync(out.resolve().parent)
    shutil.rmtree(folder)
    return facts


def finished_before(out: Path, origin: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of the data set at `out` if it has this origin; UserError if anything else stands there.

    Also if a file of it is missing or differs. An empty folder there is taken away.
    """
    if (out / durable.MANIFEST).is_file():
        manifest = durable.check_manifest(out)
        if all(manifest.get(key) == value for key, value in origin.items()):
            log.info("%s holds this very data set already", out)
            shutil.rmtree(out.resolve().with_name(f".{out.resolve().name}.partial"), ignore_errors=True)
            return manifest
    refuse_occupied(out, "this very data set")
    if out.is_dir():
        out.resolve().rmdir()
    return None


def _make(item: tuple[int, Any], folder: Path, work: Work[Any]) -> UserError | None:
    """Makes a piece and notes it; a user's mistake is returned, for the caller to raise."""
    number, content = item
    name = f"images/{number:05d}"
    try:
        with durable.atomic_folder(folder / "scenes" / name) as images:
            made = work(content, images, name)
    except UserError as fault:
        return fault
    facts = {"lines": made.lines, "counts": dict(sorted(made.counts.items())), "skipped": made.skipped}
    durable.write_text(_note(folder, number), json.dumps(facts))
    return None


def _note(folder: Path, number: int) -> Path:
    return folder / "notes" / f"{number:05d}.json"


def _begun_as(folder: Path, origin: Mapping[str, Any]) -> bool:
    path = folder / "origin.json"
    return path.is_file() and json.loads(path.read_bytes()) == origin


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != ".lock":
            each.unlink()
