"""The interface of a rail, one line of research: what the verbs that all rails share need of it.

Each rail has one `rail.py` beside its folders, with a `RAIL`; nothing outside a rail names one. Railyard's own are
found by that file. A rail of another package is found by an entry point of the group `railyard.rails` that names its
`RAIL`, or its module calls `register` when it is imported for a component that `allow` admits. A rail.py imports heavy
modules inside its functions.
"""

import functools
import importlib
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.core.config.component import Component
from railyard.core.config.faults import Fault
from railyard.core.config.targets import resolve
from railyard.core.errors import UserError

if TYPE_CHECKING:
    from railyard.core.training.experiment import Experiment
    from railyard.core.training.subject import Subject

PACKAGE = Path(__file__).parents[1]
PARTS = ("data", "model", "objective")  # of a training config; the first that is a rail's decides


class Artifact:
    """A kind of artifact that `railyard show` can describe. `call` holds the keys of that verb."""

    name: str  # as a message lists it, with its article
    is_common: bool = False  # files of other artifacts have the same names: looked for after the others

    def fits(self, path: Path) -> bool:
        """Whether `path`, which exists, is of this kind, by the names of files alone."""
        raise NotImplementedError

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        """Facts that JSON can hold, `kind` among them; `damaged`, if present, lists the parts that are not whole.

        UserError where damage leaves nothing to describe.
        """
        raise NotImplementedError

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        """Plots and samples in the folder `out`; unless a subclass has others, bars of the tables among the facts."""
        from railyard.core.runs import distributions

        distributions.draw(facts, out)


class Evaluation(Component, abstract=True):
    """A rail's evaluation; its fields are keys of `railyard evaluate` beside those that all rails share."""

    def check(self, subject: "Subject") -> None:
        """UserError for a subject that is seen, without torch, to be none of this rail's or to be judged wrongly."""

    def evaluate(self, subject: "Subject", out: Path) -> dict[str, Any]:
        """Judge the subject and write the report into `out`; the result that the verb reports."""
        raise NotImplementedError


class Format:
    """A form of a rail's models that `railyard export format=NAME` writes."""

    name: str

    def fits(self, init: Path) -> bool:
        """Whether a folder is one of the models that have this form, by the names of files alone."""
        raise NotImplementedError

    def write(self, init: Path, out: Path, command: list[str]) -> dict[str, Any]:
        """Makes the folder `out`; the result that the verb reports. UserError if the model or `out` will not do."""
        raise NotImplementedError


class Rail:
    """The interface, with defaults for a rail that has nothing of a kind."""

    keys: tuple[str, ...] = ()  # sections at the root of a training config, which have no _target_
    artifacts: tuple[Artifact, ...] = ()
    formats: tuple[Format, ...] = ()
    data_opens_at_once = True  # its data can be built while a plan is made

    @property
    def package(self) -> str:
        """The package, or the module of a rail in one file, of its components."""
        return type(self).__module__.removesuffix(".rail")

    def concerns(self, config: Mapping[str, Any]) -> bool:
        """Whether root keys of a plain training config are meant for this rail."""
        return any(key in config for key in self.keys)

    def sections(self) -> type[Component] | None:
        """A class whose fields are the rail's root keys; `model.build` is given them by name."""
        return None

    def rules(self, experiment: "Experiment") -> list[Fault]:
        """Faults across components, found before anything is opened or built."""
        return []

    def plan(self, experiment: "Experiment") -> list[str]:
        """What a run will do, from headers and without torch. FaultyConfig for what is wrong with a key's value."""
        return []

    def metrics(self, experiment: "Experiment") -> set[str] | None:
        """All that a run logs, as far as it is certain and without torch; None where it is not known."""
        return None

    def evaluation(self) -> type[Evaluation] | None:
        return None

    def show_keys(self) -> type[Component] | None:
        """A class whose fields are keys of `railyard show` for this rail's artifacts."""
        return None

    def model(self, init: Path) -> Any:
        """The model of an init folder, in eval mode, on the CPU."""
        raise UserError(f"{init} is read by no rail; load the weights of a model of your own from checkpoints/")


_registered: dict[str, Rail] = {}


def register(rail: Rail) -> None:
    """Makes a rail known in this process."""
    _registered[rail.package] = rail


def known() -> list[Rail]:
    """All rails: Railyard's own by name, then those of installed packages and registered ones."""
    found = {rail.package: rail for rail in (*_own(), *_installed())}
    return list({**found, **_registered}.values())


@functools.cache
def _own() -> tuple[Rail, ...]:
    names = sorted(file.parent.name for file in PACKAGE.glob("*/rail.py") if file.parent.name != "core")
    return tuple(importlib.import_module(f"railyard.{name}.rail").RAIL for name in names)


@functools.cache
def _installed() -> tuple[Rail, ...]:
    return tuple(entry.load() for entry in importlib.metadata.entry_points(group="railyard.rails"))


def of(config: Mapping[str, Any]) -> Rail:
    """The rail of a plain training config: by a root key, else by the package of its data, model or objective.

    One that has nothing where all parts are the user's own.
    """
    if owner := of_keys(config):
        return owner
    parts = [config.get(name) for name in PARTS]
    paths = [str(part.get("_target_")) for part in parts if isinstance(part, Mapping)]
    return next((rail for path in paths for rail in known() if path.startswith(f"{rail.package}.")), Rail())


def has(target: str) -> bool:
    """Whether a class is of a rail's package."""
    return any(target.startswith(f"{known_rail.package}.") for known_rail in known())


def of_keys(config: Mapping[str, Any]) -> Rail | None:
    """The rail that root keys of a plain training config are meant for.

    The components that it admits are imported first: their modules may register a rail.
    """
    allowed = config.get("allow") or []
    for name in allowed if isinstance(allowed, list) else ():
        resolve(name, allowed)
    return next((rail for rail in known() if rail.concerns(config)), None)
