"""What a verb is: the typed root of its config, together with what the command line asks of it.

A verb is one class, in a rail's config.py or in `railyard/apps`, and one file `conf/NAME.yaml`, whose head names the
class. Each hook here has its default; a verb may define hooks, fields and private names, and nothing else, so that a
misspelt hook is an error when the class is made.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from railyard.core.config.assignments import yaml_word
from railyard.core.config.component import Root
from railyard.core.config.defaults import plain
from railyard.core.config.faults import Fault
from railyard.core.config.knobs import Knob, knobs
from railyard.core.config.words import verbatim
from railyard.core.errors import nearest
from railyard.core.progress import Count, counting
from railyard.core.verbs import path_keys

if TYPE_CHECKING:
    from railyard.core.training.experiment import Watcher

PLAIN = ("json", "allow", "paths")  # keys of every verb, which a plan does not list


@dataclass(frozen=True)
class Job:
    """One checked call of a verb: the typed tree, the plain resolved config, its run folder if it has one."""

    verb: str
    root: Any
    config: Mapping[str, Any]
    command: list[str]
    folder: Path | None = None
    resumed: bool = False
    changes: list[str] = field(default_factory=list)
    pruning: "Watcher | None" = None
    elsewhere: bool = False  # it will run on another machine, whose devices are not known here

    @property
    def how_to_go_on(self) -> str:
        """The call that continues it, where its verb has one."""
        if self.folder is None or "resume" not in type(self.root).model_fields:
            return ""
        again = [f"out={self.config['out']}"] if self.config.get("out") else []  # may lie outside the folder
        return " ".join([f"railyard {self.verb} resume={os.path.relpath(self.folder)}", *again])


class Verb(Root):
    """A call of a verb, as its config says."""

    has_folder: ClassVar[bool] = False  # it works in a run folder
    reads: ClassVar[tuple[str, ...]] = ()  # keys of paths that have to be there
    verbatim: ClassVar[tuple[str, ...]] = ()  # keys whose values are taken as typed, past Hydra's grammar
    bare: ClassVar[str | None] = None  # the key of a word that names none: a path alone

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        hooks = {name for base in cls.__bases__ for name in dir(base)}
        for name in () if cls.is_abstract else vars(cls):
            if not name.startswith("_") and name not in hooks and name not in cls.model_fields:
                near = nearest(name, (hook for hook in hooks if not hook.startswith("_")))
                raise TypeError(f"{cls.__name__}.{name} is no hook of a verb{near}; other names begin with _")

    @classmethod
    def as_typed(cls, word: str, swept: bool = False) -> str:
        """A word of a command line for Hydra: a `bare` one with its key, `verbatim` values and paths quoted."""
        if cls.bare and ("=" not in word or Path(word).exists()) and not word.startswith("~"):
            word = f"{cls.bare}={word}"
        kept = verbatim(word, cls.verbatim)
        return kept if kept != word else path_keys.as_typed(cls, word, swept)

    @classmethod
    def read_as(cls, config: Mapping[str, Any]) -> type[Self]:
        """The class that a plain config is read as: this one, perhaps with keys that rails add."""
        return cls

    @classmethod
    def first(cls, config: Mapping[str, Any], faults: list[Fault]) -> list[Fault]:
        """Faults of a plain config that are told alone, because no other key could mend them."""
        return []

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str | None:
        """The folder between the verb's and the run's; None stands for the experiment."""
        return None

    def rules(self, job: Job) -> list[Fault]:
        """Faults across components."""
        return []

    def only_checks(self, job: Job) -> bool:
        """Whether the call ends with its plan."""
        return bool(job.config.get("validate_config"))

    def plan(self, job: Job) -> str:
        """What will happen, found without building it."""
        known = knobs(type(self))
        lines = [f"  {key}: {worded(value, known.get(key))}" for key, value in job.config.items() if key not in PLAIN]
        return "\n".join([f"railyard {job.verb}", *lines])

    def perform(self, job: Job) -> dict[str, Any]:
        """Do it; the result."""
        raise NotImplementedError

    def summary(self, result: dict[str, Any]) -> dict[str, Any]:
        """The part of the result that a person is told."""
        return result

    def text(self, result: dict[str, Any]) -> str | None:
        """The result in lines of its own for a person; None: the summary as YAML."""
        return None


def worded(value: Any, knob: Knob | None = None) -> str:
    """A plain value of a config as a plan has it; of a section what is not its default."""
    if isinstance(value, Mapping):
        usual = plain(knob.default, knob) if knob else None
        leaves = _leaves(value, usual if isinstance(usual, Mapping) else {})
        return ", ".join(leaves) or "as usual"
    if isinstance(value, list):
        return ", ".join(map(worded, value)) or "none"
    return yaml_word(value)


def _leaves(node: Mapping[str, Any], usual: Mapping[str, Any], above: str = "") -> list[str]:
    """`key value` of the leaves that are not the usual ones; a class by its last name."""
    found: list[str] = []
    for name, value in node.items():
        before = usual.get(name)
        if name == "_target_":
            found.append(str(value).rpartition(".")[2])
        elif isinstance(value, Mapping):
            found += _leaves(value, before if isinstance(before, Mapping) else {}, f"{above}{name}.")
        elif name not in usual or value != before:
            found.append(f"{above}{name} {worded(value)}")
    return found


class Work(Verb, abstract=True):
    """A verb that makes something piece by piece."""

    unit: ClassVar[str] = "pieces"  # what its progress counts

    def run(self, progress: Count) -> dict[str, Any]:
        """Make it; the result."""
        raise NotImplementedError

    def perform(self, job: Job) -> dict[str, Any]:
        with counting(job.verb, self.unit) as tick:
            return dict(self.run(tick))
