"""The table of verbs, from the heads of their files in conf/. Imports nothing heavy, so that help answers at once.

The first lines of `conf/NAME.yaml` are `# key: value`: `does` (the summary), `example`, `verb` (its class) and `place`
(its number in the list).
"""

import functools
import importlib
import os
from typing import TYPE_CHECKING, NamedTuple

from railyard.core import package

if TYPE_CHECKING:
    from railyard.core.verbs.verb import Verb


class Entry(NamedTuple):
    """A verb as it is listed."""

    place: int
    name: str
    rail: str
    summary: str
    example: str
    path: str

    def load(self) -> "type[Verb]":
        """Its class."""
        module, _, name = self.path.rpartition(".")
        found: type[Verb] = getattr(importlib.import_module(module), name)
        return found


@functools.cache
def verbs() -> dict[str, Entry]:
    """All verbs by name, in the order in which they are listed."""
    folder = package.bundled("conf")
    names = [name.removesuffix(".yaml") for name in os.listdir(folder) if name.endswith(".yaml")]  # noqa: PTH208
    return {entry.name: entry for entry in sorted(_entry(name, os.path.join(folder, name)) for name in names)}  # noqa: PTH118


def _entry(name: str, stem: str) -> Entry:
    head = {}
    with open(f"{stem}.yaml", encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            if not line.startswith("# "):
                break
            key, _, value = line[2:].strip().partition(": ")
            head[key] = value
    owner = head["verb"].split(".")[1]
    return Entry(
        int(head["place"]), name, "all rails" if owner == "apps" else owner, head["does"], head["example"], head["verb"]
    )


def usage() -> str:
    """What `railyard` alone prints."""
    lines = ["usage: railyard VERB key=value …      railyard VERB --help lists a verb's keys", ""]
    for rail in dict.fromkeys(entry.rail for entry in verbs().values()):
        lines.append(rail)
        lines += [f"  {entry.name:<10} {entry.summary}" for entry in verbs().values() if entry.rail == rail]
    return "\n".join([*lines, ""])
