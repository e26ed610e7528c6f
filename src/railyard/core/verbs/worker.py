"""One job of a sweep: composed, checked and run like a single call of its verb, in its folder of the sweep.

Hydra's launchers call a `Worker` wherever they run jobs. It raises nothing but the interrupt of its own process: what
went wrong is an outcome, and a job that was interrupted has none.
"""

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from railyard.core.config.compose import Composition
from railyard.core.config.words import verbatim
from railyard.core.errors import RailyardError
from railyard.core.runs import metrics, run_state
from railyard.core.runs.signals import Stopped
from railyard.core.store.lock import Busy, locked
from railyard.core.sweeping import slots
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.sweeping.optimized_metric import OptimizedMetric, logged, reached_values
from railyard.core.sweeping.overrides import sets
from railyard.core.sweeping.slots import Slots
from railyard.core.sweeping.sweep_call import SweepCall
from railyard.core.sweeping.trial import Outcome, Trial
from railyard.core.training.resuming import AGAIN
from railyard.core.verbs import launch
from railyard.core.verbs.verb import Verb

log = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds that a job of a killed sweep may take to save and let go of its folder


@dataclass(frozen=True)
class Worker:
    """What all jobs of one call share; it travels by pickle."""

    verb: str
    app: type[Verb]
    shared: tuple[str, ...]
    folder: SweepFolder
    trials: Mapping[int, Trial]
    call: SweepCall
    objectives: tuple[OptimizedMetric, ...] = ()
    slots: Slots | None = None
    needs_metric: bool = False

    def __call__(self, config: Any) -> None:
        try:
            with self.call.stopping_with_it():
                self._run(self.trials[config.trial])
        except (KeyboardInterrupt, Stopped):
            if self.call.is_own_process():
                raise KeyboardInterrupt from None

    def _run(self, trial: Trial) -> None:
        place = self.folder.job(trial.number)
        if not self.call.is_current():
            return
        place.mkdir(exist_ok=True)
        if self.slots:
            _say(trial, f"on device {slots.take(self.slots)}")
        try:
            with locked(place, PATIENCE):
                self.call.note_begun(place)
                if self.folder.outcome(trial.number) is None:
                    self._to_its_end(trial, place)
        except Busy as fault:
            _say(trial, f"left alone: {fault}")

    def _to_its_end(self, trial: Trial, place: Path) -> None:
        _say(trial, " ".join(trial.overrides) or "as it stands")
        outcome = self._measured(self._outcome(trial, place))
        self.folder.write_outcome(trial, outcome)
        self.folder.write_tables()
        fault = outcome.error
        if outcome.state == "complete" and not logged(outcome, self.objectives):
            fault = str(reached_values(outcome, self.objectives))
        _say(trial, f"{outcome.state} after {outcome.seconds:.0f} s" + (f": {fault}" if fault else ""))

    def _measured(self, outcome: Outcome) -> Outcome:
        """A job that logged nothing of what the sweep needs has failed, wherever its end is told."""
        if not self.needs_metric or outcome.state != "complete" or logged(outcome, self.objectives):
            return outcome
        return replace(outcome, state="failed", error=str(reached_values(outcome, self.objectives)), unmeasured=True)

    def _outcome(self, trial: Trial, place: Path) -> Outcome:
        begun = time.monotonic()
        try:
            result = self._result(trial, place)
        except Stopped:
            raise
        except RailyardError as fault:
            error = str(fault)
        except Exception as defect:
            if not self.call.is_current():
                raise KeyboardInterrupt from defect
            log.exception("the job failed")
            error = f"{type(defect).__name__}: {next(iter(str(defect).splitlines()), '')}"
        else:
            return replace(_good(trial.number, result), seconds=time.monotonic() - begun)
        values = metrics.last_values(metrics.read(place))
        return Outcome(trial.number, "failed", values, {}, error, time.monotonic() - begun)

    def _result(self, trial: Trial, place: Path) -> dict[str, Any]:
        words = [*self.shared, *trial.overrides]
        if "resume" in self.app.model_fields and (place / "config.yaml").is_file():
            words = [*(word for word in words if sets(word, AGAIN)), verbatim(f"resume={place}", ("resume",))]
        composition = Composition(self.verb, words, root=self.app)
        job = launch.check(self.verb, self.app, composition, words, place)
        return launch.perform(composition, replace(job, pruning=trial.pruning))


def _good(number: int, result: Mapping[str, Any]) -> Outcome:
    values = result["metrics"] if "metrics" in result else run_state.numbers(result)
    best = (result.get("best") or {}).get("metrics", {})
    return Outcome(number, "pruned" if result.get("pruned") else "complete", values, best)


def _say(trial: Trial, text: str) -> None:
    sys.stderr.write(f"job {trial.number}: {text}\n")
