"""A sweep's folder: what was asked for (`sweep.json`), how each job ended (`<number>/outcome.json`), and the tables.

Every file is written whole. A job writes its own outcome, so that nothing is lost with the process that started it.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from railyard.core.errors import UserError
from railyard.core.runs import reporting
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.sweeping.trial import Outcome, State, Trial

SCHEMA_VERSION = 1
SWEEP, TRIALS, OUTCOME = "sweep.json", "trials.json", "outcome.json"


@dataclass(frozen=True)
class SweepFolder:
    """The files of a sweep in its folder; a path may name one that holds none yet."""

    path: Path

    def is_sweep(self) -> bool:
        """Whether a sweep was started in this folder."""
        return (self.path / SWEEP).is_file()

    def write(self, verb: str, words: Iterable[str], calls: Iterable[Mapping[str, Any]]) -> None:
        """`sweep.json`: the verb, its overrides, and what made it: the provenance of each call that worked on it."""
        facts = {"schema_version": SCHEMA_VERSION, "verb": verb, "words": [*words], "calls": [*calls]}
        durable.write_json(self.path / SWEEP, facts)

    def read(self, verb: str) -> dict[str, Any]:
        """`sweep.json` of a sweep of this verb."""
        facts = _read(self.path / SWEEP, _Sweep)
        if facts["verb"] != verb:
            raise UserError(f"{self.path} is a sweep of railyard {facts['verb']}, not of railyard {verb}")
        return facts

    def verb(self) -> str:
        """The verb that a sweep runs."""
        return str(_read(self.path / SWEEP, _Sweep)["verb"])

    def calls(self) -> list[dict[str, Any]]:
        """The provenance of each call that worked on it, the first one first."""
        return list(_read(self.path / SWEEP, _Sweep)["calls"])

    def write_trials(self, trials: Iterable[Trial]) -> None:
        """`trials.json`: the jobs asked for so far, with their overrides."""
        listed = [{"number": trial.number, "words": trial.overrides} for trial in trials]
        durable.write_json(self.path / TRIALS, {"schema_version": SCHEMA_VERSION, "trials": listed})

    def job(self, number: int) -> Path:
        """The folder of one job."""
        return self.path / str(number)

    def write_outcome(self, trial: Trial, outcome: Outcome) -> None:
        """How a job ended, with its overrides."""
        facts = {"schema_version": SCHEMA_VERSION, "words": trial.overrides, **asdict(outcome)}
        durable.write_json(self.job(trial.number) / OUTCOME, facts)

    def outcome(self, number: int) -> Outcome | None:
        """How a job ended; None if it has not."""
        file = self.job(number) / OUTCOME
        if not file.is_file():
            return None
        facts = _read(file, _Outcome)
        return Outcome(**{key: facts[key] for key in Outcome.__dataclass_fields__ if key in facts})

    def forget(self, number: int) -> None:
        """A job that ended is to run again."""
        (self.job(number) / OUTCOME).unlink()

    def trials(self) -> list[tuple[int, list[str]]]:
        """Number and overrides of every job asked for, by number."""
        file = self.path / TRIALS
        listed = _read(file, _Trials)["trials"] if file.is_file() else []
        return sorted((entry["number"], entry["words"]) for entry in listed)

    def rows(self) -> list[dict[str, Any]]:
        """One row a job: number, state, overrides, the last value of each metric, seconds, error."""
        found = []
        for number, words in self.trials():
            ended = self.outcome(number)
            state = ended.state if ended else "unfinished"
            row = {"number": number, "state": state, "overrides": " ".join(words)}
            seconds, error = (round(ended.seconds, 1), ended.error) if ended else (None, None)
            found.append({**row, **(ended.metrics if ended else {}), "seconds": seconds, "error": error})
        return found

    def write_tables(self) -> None:
        """`table.csv` and `table.md` from what is in the folder now."""
        listed = self.rows()
        fixed = ("number", "state", "overrides", "seconds", "error")
        metrics = list(dict.fromkeys(name for row in listed for name in row if name not in fixed))
        columns = [*fixed[:3], *metrics, *fixed[3:]]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
        durable.write_text(self.path / "table.csv", text.getvalue())
        cells = [[_cell(row.get(name)) for name in columns] for row in listed]
        durable.write_text(self.path / "table.md", reporting.table(columns, cells) + "\n")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else " ".join(str(value).split())


class _Sweep(BaseModel):
    verb: str
    words: list[str]
    calls: list[dict[str, Any]]


class _Trial(BaseModel):
    number: int
    words: list[str]


class _Trials(BaseModel):
    trials: list[_Trial]


class _Outcome(BaseModel):
    number: int
    state: State
    metrics: dict[str, float]
    best: dict[str, float]
    error: str | None
    seconds: float
    unmeasured: bool = False


def _read(file: Path, shape: Any) -> dict[str, Any]:
    advice = "restore it, start the sweep anew, or go on with the version that wrote it"
    return read_json(file, advice, schema_version=SCHEMA_VERSION, missing=advice, shape=shape)
