"""The place of something new on disk: free, occupied, or taken by this very thing; and how it is filled at last.

An artifact's origin is what decides its bytes, JSON-able; it stands in its manifest beside the version of Railyard.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from railyard.core import package
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json

log = logging.getLogger(__name__)

Origin = Mapping[str, Any]


def finished_before(out: Path, origin: Origin, what: str, instead_of: Origin | None = None) -> dict[str, Any] | None:
    """The manifest of what stands at `out` if it has this origin, None if nothing does; `what` it would be.

    None as well for something of the origin `instead_of`, which is to be replaced. UserError if a file is missing or
    differs from the manifest, and if anything else stands there.
    """
    manifest = read_json(out / durable.MANIFEST, "make the folder again")
    if not manifest or any(manifest.get(key) != value for key, value in origin.items()):
        if not manifest or instead_of is None or any(manifest.get(key) != value for key, value in instead_of.items()):
            refuse_occupied(out, what)
        return None
    durable.check_manifest(out)
    log.info("%s holds this already and stays as it is", out)
    discard_work(out, origin)  # a kill may have come between publishing and this
    return manifest


def refuse_occupied(out: Path, what: str, key: str = "out") -> None:
    """UserError if anything but an empty folder stands at `out`, where `what` was to be written; `key` names it."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise UserError(f"{out} exists and is not {what}: choose another {key}=, or delete it first")


@contextmanager
def new_file(out: Path, what: str) -> Iterator[Callable[[Any], None]]:
    """A function that adds bytes, or what has a buffer of them, to a file that is written whole or not at all.

    Only where nothing stands, or a file of these very bytes; `what` it would be. UserError at the first byte in which
    another file that stands there differs: it stays.
    """
    if not out.is_file():
        refuse_occupied(out, what)
    with durable.atomic_file(out) as new, out.open("rb") if out.is_file() else nullcontext() as there:

        def add(data: Any) -> None:
            part = memoryview(data).cast("B")
            if there and there.read(len(part)) != part:
                refuse_occupied(out, what)
            new.write(part)

        yield add
        if there and there.read(1):
            refuse_occupied(out, what)


def write_manifest(folder: Path, origin: Origin, **facts: Any) -> dict[str, Any]:
    """Completes a folder with a manifest of its origin, the version and further facts, and gives all of these."""
    said = {**made_by(origin), **facts}
    durable.write_manifest(folder, said)
    return said


def publish(folder: Path, out: Path, replaces: bool = False) -> None:
    """Gives a complete folder its place, where nothing, an empty folder, or what it `replaces` stands."""
    out = out.resolve()
    if replaces and out.is_dir():
        durable.replace_folder(folder, out)
        return
    folder.rename(out)
    durable.fsync(out.parent)


def work_place(out: Path, origin: Origin) -> Path:
    """The folder beside `out` for work of this origin by this version; other work for `out` has other folders there."""
    out = out.resolve()
    key = hashlib.sha256(json.dumps(made_by(origin), sort_keys=True).encode()).hexdigest()[:16]
    return out.with_name(f".{out.name}.partial") / key


def discard_work(out: Path, origin: Origin) -> None:
    """Removes the work of this origin, and the folder above it unless work of another origin stands there."""
    place = work_place(out, origin)
    shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):
        place.parent.rmdir()


def made_by(origin: Origin) -> dict[str, Any]:
    """The origin with the version of Railyard, as a manifest has it."""
    return {**origin, "railyard_version": package.__version__}
