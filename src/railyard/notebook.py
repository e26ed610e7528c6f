"""Railyard from Python: `compose` checks a call, `train` and `evaluate` make it, `Run` reads what it left.

The same way as the command line (`core/verbs/launch.py`), without its exit codes and output: mistakes are raised as
UserError, Ctrl-C saves and is raised as KeyboardInterrupt, and logging, warnings and signals are left as they were.
"""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.core import rail
from railyard.core.config.assignments import overrides_of
from railyard.core.config.compose import Composition
from railyard.core.errors import UserError, nearest
from railyard.core.runs import metrics, provenance, run_state
from railyard.core.runs.folder import read_config
from railyard.core.runs.reporting import table
from railyard.core.runs.signals import Stopped, StopSignals
from railyard.core.runs.trust import refuse_admissions
from railyard.core.store.reading import read_bytes
from railyard.core.training import experiment as experiments
from railyard.core.training.experiment import Experiment
from railyard.core.verbs import launch
from railyard.core.verbs.table import verbs
from railyard.core.verbs.verb import Job, Verb

if TYPE_CHECKING:
    from pandas import DataFrame

Assignment = str | Mapping[str, Any]  # "trainer.max_steps=10" or {"trainer.max_steps": 10}


@dataclass(frozen=True)
class Plan:
    """A call that was checked and not started; `root` is its config with types, `config` the same as plain values."""

    verb: str
    root: Any
    config: Mapping[str, Any]
    text: str

    def __repr__(self) -> str:
        return self.text


class Run:
    """A run folder. UserError if there is none at `path`.

    `allow`: classes of your own that its config may name; what the config itself admits counts for nothing.
    """

    def __init__(self, path: Path | str, allow: Sequence[str] = ()) -> None:
        self.path, self.allow = Path(path).resolve(), list(allow)
        read_config(self.path)

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config as plain values."""
        return read_config(self.path)

    @property
    def experiment(self) -> Experiment:
        """The config with types. UserError if this version of Railyard takes it no more."""
        refuse_admissions(self.config, self.allow, self.path)
        root, faults = experiments.read(self.config)
        if root is None or faults:
            lines = [f"  {'.'.join(fault.key)}: {fault.message}" for fault in faults]
            raise UserError("\n".join([f"{self.path / 'config.yaml'} does not fit this version", *lines]))
        return root

    @property
    def state(self) -> str:
        """running, finished, stopped or failed; unknown where nothing says so."""
        return str(run_state.read(self.path)["state"])

    @property
    def metrics(self) -> "DataFrame":
        """One row a step that logged anything, all metrics as columns."""
        try:
            from pandas import DataFrame
        except ImportError:
            raise UserError("Run.metrics needs pandas: pip install 'railyard[notebook]'") from None
        rows = metrics.read(self.path)
        return DataFrame(metrics.by_step(rows), columns=["step", "epoch", *metrics.names(rows)]).set_index("step")

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the run: code, versions, machine, seed, command, fingerprints of its data."""
        self._file("provenance.json")
        return provenance.read(self.path)

    @property
    def report(self) -> str:
        """report.md, Markdown."""
        return read_bytes(self._file("report.md")).decode(errors="replace")

    def model(self) -> Any:
        """The module with the best weights, in eval mode, on the CPU."""
        if not (self.path / "init").is_dir():
            raise UserError(
                f"{self.path} has no init/ (the run is {self.state}): it is written when a run ends, by Railyard's own "
                "models; go on with the run, or load the weights of a model of your own from its checkpoints/"
            )
        return rail.of(self.config).model(self.path / "init")

    def _file(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise UserError(f"{self.path} has no {name}: the run is {self.state}")
        return file

    def _facts(self) -> list[tuple[str, Any]]:
        rows = metrics.read(self.path)
        steps = [("steps", rows[-1]["step"])] if rows else []
        return [("state", self.state), *steps, *metrics.last_values(rows).items()]

    def __repr__(self) -> str:
        facts = ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in self._facts()
        )
        return f"Run('{self.path}': {facts})"

    def _repr_markdown_(self) -> str:
        return f"`{self.path}`\n\n{table(('what', 'value'), self._facts())}"


def compose(*call: Assignment, **values: Any) -> Plan:
    """Check a call without starting it: `compose("experiment=board/quickstart", seed=1)`.

    The first word may be a verb; without one it is `train`. Raises UserError with all faults.
    """
    verb, given = "train", list(call)
    if given and isinstance(given[0], str) and "=" not in given[0] and not given[0].startswith("~"):
        verb = str(given.pop(0))
    _, composition, job, _ = _checked(verb, given, values)
    return Plan(verb, job.root, job.config, launch.plan_of(composition, job).rstrip())


def train(*call: Assignment, **values: Any) -> Run:
    """Fit an experiment, or go on with one (`resume=run`): `train("experiment=board/quickstart", seed=1)`."""
    job, _ = _perform("train", list(call), values)
    assert job.folder is not None
    return Run(job.folder)


def evaluate(*call: Assignment, **values: Any) -> dict[str, Any]:
    """The metrics of a run, a checkpoint or an init folder on held-out data: `evaluate(run=run, split="all")`."""
    return _perform("evaluate", list(call), values)[1]


def _perform(verb: str, call: list[Assignment], values: Mapping[str, Any]) -> tuple[Job, dict[str, Any]]:
    app, composition, job, words = _checked(verb, call, values)
    if job.root.only_checks(job):
        raise UserError("validate_config=true starts nothing: call railyard.compose instead, or leave it out")
    job = launch.claimed(verb, app, composition, job, words)
    with _process_kept():
        try:
            return job, launch.perform(composition, job)
        except Stopped as stop:
            raise KeyboardInterrupt(str(stop)) from None


def _checked(
    verb: str, call: list[Assignment], values: Mapping[str, Any]
) -> tuple[type[Verb], Composition, Job, list[str]]:
    if verb not in verbs():
        raise UserError(f"there is no verb '{verb}'{nearest(verb, verbs())}; known: {', '.join(verbs())}")
    app = verbs()[verb].load()
    parts = ([app.as_typed(part)] if isinstance(part, str) else overrides_of(part) for part in (*call, values))
    words = [word for part in parts for word in part]
    if options := [word for word in words if word.startswith("-")]:
        raise UserError(f"{options[0]} is an option of the command line; here only key=value is taken")
    composition = Composition(verb, words, root=app)
    if composition.choice("hparams_search") is not None:
        raise UserError("hparams_search= describes a sweep, which is started on the command line: railyard train -m …")
    return app, composition, launch.check(verb, app, composition, words), words


@contextmanager
def _process_kept() -> Iterator[None]:
    """What a run changes in the process and a notebook goes on with: Hydra replaces the root logger's handlers,
    Lightning filters warnings and leaves its answer to SIGTERM behind."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    answers = {number: signal.getsignal(number) for number in StopSignals.SIGNALS}
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for handler in root.handlers:
                if handler not in handlers:
                    handler.close()
            root.handlers[:] = handlers
            root.setLevel(level)
            if threading.current_thread() is threading.main_thread():
                for number, answer in answers.items():
                    signal.signal(number, answer)
