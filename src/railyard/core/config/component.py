"""Components: every knob's one typed home, and the short recursion that builds what a config describes.

`check.py` makes a tree of them from a plain container. torch, Lightning and numba are never imported here.
"""

import functools
import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

PathKnob = Annotated[Path, Strict(False)]
T = TypeVar("T", bound="Component")


def in_words(pattern: str, what: str) -> BeforeValidator:
    """Beside the `pattern` of a knob: a fault says what is allowed instead of showing a regular expression."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.search(pattern, value):
            raise ValueError(f"must be {what}, got {value!r}")
        return value

    return BeforeValidator(check)


class Component(BaseModel):
    """A described, validated piece of a run; its fields are its knobs.

    A light component works itself (it has a method beside its fields). A heavy one has `build(**runtime)`
    that imports what it needs. `class Data(Component, abstract=True)` is a kind of component: a config names
    one of its subclasses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)
    is_abstract: ClassVar[bool] = True
    # of a root: key of a foreign class -> arguments that the verb hands it beside those of the config
    SUPPLIED: ClassVar[Mapping[str, frozenset[str]]] = {}

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.is_abstract = abstract

    @model_validator(mode="before")
    @classmethod
    def _is_concrete(cls, value: Any) -> Any:
        if cls.is_abstract and isinstance(value, Mapping):
            raise ValueError("a _target_ has to say which class this is; choose an option of the group, or name one")
        return value


class Root(Component):
    """The root of a verb's primary config: what all verbs take."""

    json_: bool = Field(False, alias="json", description="print one JSON object with the result as the last line")
    allow: list[str] = Field([], description="classes of your own that a _target_ may name, by their full path")
    paths: dict[str, Any] = Field({}, description="folders and named packs that other keys refer to")


def with_keys(root: type[T], *parts: type[Component] | None) -> type[T]:
    """`root` with the fields of other components beside its own; theirs win where names are the same."""
    beside = [part for part in parts if part]
    if not beside:
        return root
    names = {"__doc__": root.__doc__, "__module__": root.__module__}
    return cast(type[T], type(root.__name__, (*beside, root), names))


def import_admitted(module: str) -> Any:
    """Import a module of Railyard, of the table, or of an admitted class, which may lie in the working directory.

    The directory is the last place that is searched, and is searched only now: otherwise a file in it could take the
    name of an optional package.
    """
    here = str(Path.cwd())
    if here in sys.path:
        return importlib.import_module(module)
    sys.path.append(here)
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(here)


@dataclass(frozen=True)
class Foreign:
    """A class that is not ours (Lightning's Trainer, an optimizer, a user's module), checked but not imported."""

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False

    def build(self, **runtime: Any) -> Any:
        """Import and call the class; `runtime` adds to the keys of the config."""
        return self._class()(**{**build_leaves(self.kwargs), **runtime})

    def leaf(self) -> Any:
        """What stands for it inside another part: the object, or with `_partial_` a call that waits for the rest."""
        if self.partial:
            return functools.partial(self._class(), **build_leaves(self.kwargs))
        return self.build()

    def _class(self) -> Any:
        module, _, name = self.target.rpartition(".")
        return getattr(import_admitted(module), name)


def build_leaves(node: Any) -> Any:
    """Build the foreign parts inside plain containers; components stay as they are."""
    if isinstance(node, Foreign):
        return node.leaf()
    if isinstance(node, Mapping):
        return {key: build_leaves(value) for key, value in node.items()}
    if isinstance(node, list):
        return [build_leaves(value) for value in node]
    return node
