"""`part=i/n`: the i-th of n equal shares of a job, so that machines may divide it among them.

All parts share the work folder of `out`. Each does its share in a folder of its own there, whose manifest says that it
is complete; whichever is the last to finish joins them.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from railyard.core.making.outputs import Origin, discard_work, finished_before, publish, work_place
from railyard.core.making.work_folder import begin, told_as_kept
from railyard.core.store import durable
from railyard.core.store.lock import locked

JOIN_SECONDS = 600.0  # that the last part waits while another one looks whether all are there


@dataclass(frozen=True)
class Part:
    """Share `index` of `count`, from 0."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part of `i/n`; ValueError says what is wrong with it."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found:
            raise ValueError(f"expected i/n as in part=0/2 and part=1/2, got {text!r}")
        part = cls(int(found[1]), int(found[2]))
        if part.index >= part.count:
            last = f"0/{part.count} to {part.count - 1}/{part.count}" if part.count else "0/1"
            raise ValueError(f"expected one of {last}, got {text}: parts are counted from 0")
        return part

    def of(self, items: int) -> range:
        """This part's stretch of `range(items)`: all parts' stretches in turn are the whole."""
        return range(items * self.index // self.count, items * (self.index + 1) // self.count)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


WHOLE = Part(0, 1)
PartKnob = Annotated[str, AfterValidator(lambda text: str(Part.parse(text)))]


@contextmanager
def part_folder(out: Path, origin: Origin, part: Part) -> Iterator[Path]:
    """The folder of a part, for this process alone; the part is complete when the block ends well.

    Two calls for the same part would do the same work twice: the second one raises Busy. UserError if the part was
    complete and is damaged.
    """
    own = _folder_of(begin(out, origin), part)
    own.mkdir(exist_ok=True)
    with locked(own), told_as_kept(own):
        if is_complete := _has_manifest(own):
            durable.check_manifest(own)
        yield own
        if not is_complete:
            durable.write_manifest(own, {})


def join_parts(
    out: Path,
    origin: Origin,
    what: str,
    items: int,
    count: int,
    join: Callable[[Path, Sequence[Path]], Path],
    instead_of: Origin | None = None,
) -> list[str]:
    """Publishes what `join` makes of the parts if all are complete, unless another process just has; those missing.

    `join` is given an empty folder and those of the parts that have any of the `items`, in order, and names the
    folder to publish. `instead_of`: the origin of what may stand at `out` until then. UserError if a part is damaged.
    """
    parts = [part for part in (Part(index, count) for index in range(count)) if part.of(items)]
    folder = work_place(out, origin)
    folder.mkdir(parents=True, exist_ok=True)  # another process may have joined them meanwhile
    with locked(folder, patience=JOIN_SECONDS), told_as_kept(folder):
        if not finished_before(out, origin, what, instead_of):
            folders = [_folder_of(folder, part) for part in parts]
            if missing := [part for part, own in zip(parts, folders, strict=True) if not _has_manifest(own)]:
                return [str(part) for part in missing]
            for own in folders:
                durable.check_manifest(own)
            publish(join(_emptied(folder / "joined"), folders), out, replaces=instead_of is not None)
        discard_work(out, origin)
    return []


def _folder_of(folder: Path, part: Part) -> Path:
    return folder / f"part-{part.index}of{part.count}"


def _has_manifest(folder: Path) -> bool:
    return (folder / durable.MANIFEST).is_file()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
