"""Runs that are used from another folder than the one they were started in, where their relative paths lead nowhere."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.runs import provenance
from railyard.core.runs.folder import read_config


def tell_where_started(fault: UserError, run: Path) -> None:
    """Adds to a mistake that names a relative path of this run, which is not here, where it was started."""
    if more := _where(run, str(fault)):
        fault.args = (f"{fault}{more}",)


def _where(run: Path, message: str) -> str:
    with suppress(UserError):  # a damaged record tells nothing; what was wrong is told already
        started = provenance.read(run).get("working_folder")
        if started and Path(started) != Path.cwd():
            for path in _relative_paths(read_config(run)):
                if path in message and not Path(path).exists() and (Path(started) / path).exists():
                    return f"; the run was started in {started}, where {path} is: start the call there"
    return ""


def _relative_paths(node: Any) -> Iterator[str]:
    """Texts of a config that may be relative paths into other folders."""
    if isinstance(node, Mapping | list):
        for value in node.values() if isinstance(node, Mapping) else node:
            yield from _relative_paths(value)
    elif isinstance(node, str) and "/" in node and not node.startswith("/") and "\0" not in node:
        yield node
