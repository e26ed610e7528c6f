"""What a folder that somebody else may have written is not trusted with: running code, and writing outside itself.

Its config counts as data. A class of the user's own that it names is built only when this call admits it again; paths
that something would write to lie in the folder; links in the folder are not followed.
"""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from railyard.core.config.hydra_node import leaves
from railyard.core.errors import UserError

# keys under which a verb, and loggers, callbacks and profilers of the table take a place to write to
PLACES = (
    *("out", "save_dir", "dirpath", "log_dir", "root_dir", "artifact_location", "tracking_uri", "filename", "dir"),
    *("metrics_file", "token_file", "ca", "cert", "key"),  # of a client; the last four go to a server
)
WRITING = (("out",), ("logger",), ("callbacks",), ("trainer", "profiler"), ("client",))


def refuse_admissions(stored: Mapping[str, Any], again: Iterable[str], folder: Path) -> None:
    """UserError where the stored config of `folder` admits classes that this call does not admit `again`."""
    named = stored.get("allow") or []
    names = [str(name) for name in (named if isinstance(named, list) else [named])]
    if missing := [name for name in names if name not in list(again)]:
        raise UserError(
            f"{folder} admits {', '.join(missing)}, whose code would run: a stored config may not decide that; where "
            f"you trust it, add allow=[{','.join(names)}]"
        )


def refuse_paths(stored: Mapping[str, Any], folder: Path, given: Iterable[str] = ()) -> None:
    """UserError where a stored config would write outside its folder, or send to a server what stands outside it.

    Looked at are its `out`, loggers, callbacks, profiler and client.

    `given`: dotted keys of this command line, whose values are the user's own.
    """
    typed = list(given)
    for place in WRITING:
        node: Any = stored
        for part in place:
            node = node.get(part) if isinstance(node, Mapping) else None
        for key, value in leaves(node, place):
            dotted = ".".join(key)
            if not any(dotted == name or dotted.startswith(f"{name}.") for name in typed) and _leaves_folder(
                key[-1], value, folder
            ):
                raise UserError(
                    f"{dotted}={value} of {folder} lies outside the run folder: a stored config may use that only "
                    "when this command line says so; give that key again, or drop it"
                )


def refuse_links(folder: Path) -> None:
    """UserError for a link, pipe or device among the files of a run folder; `last.ckpt` and `best.ckpt` are ours."""
    for below in (folder, folder / "checkpoints", folder / ".hydra"):
        for path in sorted(below.iterdir()) if below.is_dir() and not below.is_symlink() else ():
            own = below.name == "checkpoints" and path.name in ("last.ckpt", "best.ckpt")
            if path.is_symlink() and not (own and len(path.readlink().parts) == 1):
                raise UserError(f"{path} is a link, which is not followed: put what it leads to in its place")
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                raise UserError(f"{path} is not a regular file: remove it")


def _leaves_folder(key: str, value: Any, folder: Path) -> bool:
    if not isinstance(value, str) or value.startswith(("http://", "https://")):
        return False
    path = Path(value.removeprefix("sqlite:///").removeprefix("file://").removeprefix("file:"))
    if key == "filename" and len(path.parts) == 1:
        return False
    if key not in PLACES and not path.is_absolute() and ".." not in path.parts:
        return False
    return not (folder / path if key == "filename" else path).resolve().is_relative_to(folder.resolve())
