"""A sweep under way: asks its search for trials, has the launcher run them, reads from its folder how each ended."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from railyard.core.errors import RailyardError
from railyard.core.runs.signals import Stopped
from railyard.core.sweeping import launchers
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.sweep_call import StopJobsOnSignal, SweepCall
from railyard.core.sweeping.trial import Outcome, Trial
from railyard.core.verbs import launch
from railyard.core.verbs.jobs import Jobs
from railyard.core.verbs.verb import Job
from railyard.core.verbs.worker import Worker


class Running:
    """One call that works on a sweep, whose folder it holds; `first`, a checked job, says how results are wanted."""

    def __init__(self, jobs: Jobs, folder: Path, first: Job, objectives: Sequence[OptimizedMetric]) -> None:
        self.jobs, self.first, self.objectives = jobs, first, tuple(objectives)
        self.folder = SweepFolder(folder)

    def run(self) -> str:
        """Run what has not ended yet; returns what standard output gets."""
        sys.stderr.write(f"sweep folder: {os.path.relpath(self.folder.path)}\n")
        search = self.jobs.sweeper.build(self.jobs.space, self.folder.path, self.objectives)
        asked: list[Trial] = []
        while trials := search.ask():
            asked += trials
            self.folder.write_trials(asked)
            for outcome in self._ended(trials):
                search.tell(outcome)
            self.folder.write_tables()
        return self._report(asked)

    def _ended(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Runs those of the trials that have not ended; how all of them ended."""
        self._forget_failed(trials)
        waiting = [trial for trial in trials if self.folder.outcome(trial.number) is None]
        if waiting:
            self._launch(waiting)
        ends = [self.folder.outcome(trial.number) for trial in trials]
        if None in ends:
            raise Stopped(self._how_to_go_on())
        return [end for end in ends if end is not None]

    def _forget_failed(self, trials: Sequence[Trial]) -> None:
        for trial in trials if self.jobs.sweeper.retry_failed else ():
            outcome = self.folder.outcome(trial.number)
            if outcome and outcome.state == "failed":
                self.folder.forget(trial.number)

    def _launch(self, trials: Sequence[Trial]) -> None:
        """Run the trials; where a process of the launcher dies, those it may have been running come again one by one,
        and one that dies alone has failed.
        """
        broken, call = self._launch_once(trials)
        left = [trial for trial in trials if self.folder.outcome(trial.number) is None]
        if broken is None or not left:
            return
        begun = [trial for trial in left if call.has_begun(self.folder.job(trial.number))]
        if not begun:
            raise RailyardError(f"the launcher could not start a job: {broken}")
        if len(trials) == 1:
            self.folder.write_outcome(trials[0], Outcome(trials[0].number, "failed", error=broken))
            return
        sys.stderr.write(f"a job's process died ({broken}); {len(begun)} jobs go on one by one\n")
        for batch in ([trial for trial in left if trial not in begun], *([trial] for trial in begun)):
            if batch:
                self._launch(batch)

    def _launch_once(self, trials: Sequence[Trial]) -> tuple[str | None, SweepCall]:
        """Gives the trials to the launcher; what broke it, if something did, and what it marked the begun ones with."""
        jobs, hydra = self.jobs, self.jobs.master.config.hydra
        slots, _ = launchers.slots(hydra, jobs.sweeper, self.folder.path)
        call = SweepCall.begin(self.folder.path)
        own = {trial.number: trial for trial in trials}
        worker = Worker(
            jobs.verb, jobs.app, jobs.shared, self.folder, own, call, self.objectives, slots, jobs.needs_metric
        )
        try:
            with StopJobsOnSignal(call, launchers.is_basic(hydra)) as signals:
                launchers.launch(hydra, worker, self.folder.path, trials)
        except RuntimeError as fault:  # loky's and submitit's word for a process that was killed
            reason = next(iter(str(fault).splitlines()), type(fault).__name__)
            return (None if signals.requested else reason), call
        except KeyboardInterrupt:
            raise Stopped(self._how_to_go_on()) from None
        finally:
            call.stop_jobs()
        return None, call

    def _how_to_go_on(self) -> str:
        states = [row["state"] for row in self.folder.rows()]
        ended = len(states) - states.count("unfinished")
        self.folder.write_tables()
        return f"{ended} jobs ended; go on with: railyard {self.jobs.verb} resume={os.path.relpath(self.folder.path)}"

    def _report(self, asked: Sequence[Trial]) -> str:
        rows = self.folder.rows()
        states = [row["state"] for row in rows]
        counts = {state: states.count(state) for state in ("complete", "pruned", "failed")}
        result = {
            "sweep": str(self.folder.path),
            "jobs": len(asked),
            **counts,
            "table": str(self.folder.path / "table.md"),
        }
        added = self.jobs.sweeper.report(self.jobs.space, self.folder.path, self.objectives)
        output = launch.render({**result, **added}, self.first)
        failed = [row for row in rows if row["state"] == "failed"]
        if failed:
            lines = [f"  job {row['number']} ({row['overrides']}): {row['error']}" for row in failed]
            fault = RailyardError("\n".join([f"{len(failed)} of {len(rows)} jobs failed", *lines]))
            fault.output = output
            raise fault
        return output
