"""The files of a folder job: found below a folder with their names in it, and their places below another."""

from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from railyard.core.errors import UserError


class Source(NamedTuple):
    """A file to work on; `relpath` is its name below the folder given, with `/`."""

    relpath: str
    path: Path


def find(source: Path, suffixes: Collection[str]) -> list[Source]:
    """Files with one of these endings, below a folder or the one file given, in the order of their names.

    Hidden files and linked folders are passed over. UserError if there is none.
    """
    if source.is_file():
        return [Source(source.name, source)]
    if not source.is_dir():
        raise UserError(f"there is nothing at {source}")
    paths = [path for path in source.rglob("*") if path.suffix.lower() in suffixes and path.is_file()]
    found = [Source(_name(path.relative_to(source)), path) for path in paths]
    if not (visible := [each for each in found if not _is_hidden(each.relpath)]):
        raise UserError(f"{source} holds no file that ends in {', '.join(suffixes)}")
    return sorted(visible)


def targets(sources: Iterable[Source], out: Path, suffix: str) -> dict[str, Path]:
    """Where each source's result belongs, by relpath: the same folders below `out`, another ending.

    UserError if two would have the same place, or if a link below `out` leads out of it.
    """
    places: dict[str, Path] = {}
    taken: dict[Path, str] = {}
    for source in sources:
        place = out / PurePosixPath(source.relpath).with_suffix(suffix)
        if place in taken:
            raise UserError(
                f"{taken[place]} and {source.relpath} would both become {place}: rename one, or give them one at a time"
            )
        if not place.parent.resolve().is_relative_to(out.resolve()):
            raise UserError(f"{place} leads out of {out} by a link: remove the link")
        places[source.relpath], taken[place] = place, source.relpath
    return places


def _name(path: Path) -> str:
    name = path.as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"the name of the file {name!r} is not UTF-8: rename it") from error
    return name


def _is_hidden(relpath: str) -> bool:
    return any(part.startswith(".") for part in relpath.split("/"))
