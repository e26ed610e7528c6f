"""`railyard VERB -m …`: a verb run once for each job of a search, each job in a numbered folder of the sweep's own.

All jobs are checked before the first one starts; how each ended is read from the files that the jobs leave, so a
sweep that was killed goes on with `resume=SWEEP` where it was.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from railyard.core import hydra_node, launch, origins
from railyard.core import run as runs
from railyard.core.compose import Composition, verbatim
from railyard.core.errors import RailyardError, UserError
from railyard.core.launch import App, Job
from railyard.core.sweeping import folder as folders
from railyard.core.sweeping import launchers, words
from railyard.core.sweeping.tether import CutOnSignal, Tether
from railyard.core.sweeping.trial import Outcome, Trial
from railyard.core.sweeping.worker import PATIENCE, Worker

OPTIONS = ("-m", "--multirun")
OWN = ("hydra/launcher", "hydra/sweeper", "hydra.launcher", "hydra.sweeper", "hydra.sweep")  # keys of no single job
ON_RESUME = ("hydra/launcher", "hydra.launcher", "hydra.sweeper", "json", "validate_config")
LISTED = 20  # jobs that the plan names


def is_meant(argv: Sequence[str]) -> bool:
    """Whether a command line asks for a sweep: by `-m`, or because what it resumes is one."""
    return any(word in OPTIONS for word in argv) or _resumed(argv) is not None


def call(verb: str, app: App, argv: Sequence[str]) -> str:
    """Run a sweep with the words of a command line; returns what standard output gets."""
    typed, wants_config = launch.words([word for word in argv if word not in OPTIONS])
    typed = [verbatim(word, getattr(app, "VERBATIM", ())) for word in typed]
    folder = _resumed(typed)
    calls: list[Any] = []
    if folder:
        facts = folders.read(folder, verb)
        typed, calls = _merged(facts["words"], typed), facts["calls"]
    sweep = Sweep(verb, app, typed)
    if wants_config:
        return str(OmegaConf.to_yaml(sweep.base.varied(sweep.jobs[0]).job()))
    place = folder or sweep.new_folder()
    jobs = sweep.check(place)
    plan = sweep.plan(jobs[0], folder)
    sys.stderr.write(plan)
    if jobs[0].config.get("validate_config"):
        return launch.render({"valid": True, "plan": plan.splitlines()}, jobs[0]) if jobs[0].root.json_ else ""
    while not folder and not runs.claim(place):
        if sweep.chosen_folder():
            raise UserError(f"{place} exists already; a new sweep needs a folder of its own, or go on with resume=")
        place = sweep.new_folder()
    with runs.locked(place, PATIENCE if folder else 0.0):
        provenance = runs.provenance(["railyard", verb, *argv])
        folders.write(
            place, verb, [word for word in typed if not _is_key(word, ("validate_config",))], [*calls, provenance]
        )
        return sweep.run(place, jobs[0])


def _resumed(argv: Sequence[str]) -> Path | None:
    """The sweep's folder that `resume=` names, if it names one."""
    named = [Path(word.partition("=")[2]).resolve() for word in argv if word.startswith("resume=")]
    return next((folder for folder in named if folders.is_sweep(folder)), None)


def _merged(before: Sequence[str], typed: Sequence[str]) -> list[str]:
    """The words of a sweep that goes on: those it was started with, and the few that may change."""
    new = [word for word in typed if not word.startswith("resume=")]
    for word in new:
        if not _is_key(word, ON_RESUME) or _is_key(word, ("hydra.sweeper.params",)):
            raise UserError(
                f"{word} may not change when a sweep goes on (its jobs would not be the same); changeable: "
                f"{', '.join(ON_RESUME)}. For other jobs start a new sweep"
            )
    keys = {words.key(word) for word in new}
    dropped = (*keys, "hydra.launcher") if "hydra/launcher" in keys else tuple(keys)
    return [*(word for word in before if not _is_key(word, dropped)), *new]


def _is_key(word: str, keys: Iterable[str]) -> bool:
    """Whether a word sets one of these keys or something inside it."""
    key = words.key(word)
    return any(key == known or key.startswith((f"{known}.", f"{known}/")) for known in keys)


class Sweep:
    """A verb, the words all jobs share, and the sweeper that varies the others."""

    def __init__(self, verb: str, app: App, typed: Sequence[str]) -> None:
        self.verb, self.app = verb, app
        fixed, swept = words.split(typed)
        self._refuse(fixed, swept)
        self.shared = tuple(word for word in fixed if not _is_key(word, OWN))
        self.master = Composition(verb, fixed)
        self.base = Composition(verb, self.shared, self.master)
        self.sweeper, faults = hydra_node.sweeper(self.master.config.hydra)
        faults += launchers.faults(self.master.config.hydra)
        faults += [] if faults else launchers.slots(self.master.config.hydra, self.sweeper, Path())[1]
        if faults:
            raise UserError(origins.explain(faults, self.master))
        self.space = self.sweeper.space(swept)
        self.jobs = self.sweeper.preview(self.space)

    def _refuse(self, fixed: Sequence[str], swept: Sequence[str]) -> None:
        for word in (*fixed, *swept):
            if _is_key(word, ("resume",)):
                raise UserError(
                    f"{word}: a sweep starts new runs; resume= takes one run without -m, or one sweep's folder"
                )
            if _is_key(word, ("hydra.run.dir",)):
                raise UserError(f"{word}: the jobs of a sweep share its folder; hydra.sweep.dir=FOLDER names that")

    def chosen_folder(self) -> Path | None:
        """The folder that the command line names by hydra.sweep.dir."""
        chosen = [word.partition("=")[2] for key, word in self.master.given if key == "hydra.sweep.dir"]
        return Path(chosen[-1]).resolve() if chosen else None

    def new_folder(self) -> Path:
        """Where the sweep will lie; nothing is made yet."""
        return self.chosen_folder() or launch.new_folder(self.verb, self.app, self.base.varied(self.jobs[0]))

    def check(self, place: Path) -> list[Job]:
        """All jobs, checked; raises one UserError with the faults of each."""
        jobs: list[Job] = []
        found: dict[str, list[int]] = {}
        for number, own in enumerate(self.jobs):
            try:
                composition = self.base.varied(own)
                argv = [*self.shared, *own]
                jobs.append(launch.check(self.verb, self.app, composition, argv, folders.place(place, number)))
            except UserError as fault:
                lines = str(fault).splitlines()
                found.setdefault("\n".join(lines[1:] or [f"  {lines[0]}"]), []).append(number)
        if found:
            raise UserError(self._explain(found))
        return jobs

    def _explain(self, found: dict[str, list[int]]) -> str:
        faulty = sum(map(len, found.values()))
        lines = [f"{faulty} of {len(self.jobs)} jobs cannot run; nothing was started"]
        for text, numbers in found.items():
            own = " ".join(self.jobs[numbers[0]])
            others = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            lines.append(f" job {numbers[0]} ({own}){others}:" if own else f" job {numbers[0]}{others}:")
            lines.append(text)
        return "\n".join(lines)

    def plan(self, first: Job, resumed: Path | None) -> str:
        """What will run: the jobs, and the plan of the first one."""
        launcher = str(self.master.config.hydra.launcher._target_).rpartition(".")[2]
        lines = [f"railyard {self.verb} -m", f"  jobs       {self.sweeper.describe(self.space)}, by {launcher}"]
        lines += [f"  resume     {os.path.relpath(resumed)}"] if resumed else []
        shown = self.sweeper.PREVIEWED
        lines += [f"  {shown} {number:<6} {' '.join(own)}" for number, own in enumerate(self.jobs[:LISTED])]
        lines += [f"  and {len(self.jobs) - LISTED} more"] if len(self.jobs) > LISTED else []
        return "\n".join([*lines, "job 0:", launch.plan_of(self.app, first).rstrip(), ""])

    def run(self, folder: Path, first: Job) -> str:
        """Run what has not ended yet, and report; `first` says how results are wanted."""
        sys.stderr.write(f"sweep folder: {os.path.relpath(folder)}\n")
        search = self.sweeper.build(self.space, folder, getattr(first.root, "optimized_metric", None))
        asked: list[Trial] = []
        while trials := search.ask():
            asked += trials
            folders.write_trials(folder, asked)
            for outcome in self._ended(folder, trials):
                search.tell(outcome)
            folders.write_tables(folder)
        return self._report(folder, asked, first)

    def _ended(self, folder: Path, trials: Sequence[Trial]) -> list[Outcome]:
        """Runs those of the trials that have not ended; how all of them ended."""
        self._forget_failed(folder, trials)
        waiting = [trial for trial in trials if folders.outcome(folder, trial.number) is None]
        if waiting:
            self._launch(folder, waiting)
        ends = [folders.outcome(folder, trial.number) for trial in trials]
        if None in ends:
            raise runs.Stopped(self._how_to_go_on(folder))
        return [end for end in ends if end is not None]

    def _forget_failed(self, folder: Path, trials: Sequence[Trial]) -> None:
        for trial in trials if self.sweeper.retry_failed else ():
            outcome = folders.outcome(folder, trial.number)
            if outcome and outcome.state == "failed":
                folders.forget(folder, trial.number)

    def _launch(self, folder: Path, trials: Sequence[Trial]) -> None:
        """Run the trials; where a process of the launcher dies, those it may have been running come again one by one,
        and one that dies alone has failed.
        """
        broken = self._launch_once(folder, trials)
        left = [trial for trial in trials if folders.outcome(folder, trial.number) is None]
        if broken is None or not left:
            return
        begun = [trial for trial in left if folders.place(folder, trial.number).is_dir()]
        if not begun:
            raise RailyardError(f"the launcher could not start a job: {broken}")
        if len(trials) == 1:
            folders.write_outcome(folder, trials[0], Outcome(trials[0].number, "failed", error=broken))
            return
        sys.stderr.write(f"a job's process died ({broken}); {len(begun)} jobs go on one by one\n")
        for batch in ([trial for trial in left if trial not in begun], *([trial] for trial in begun)):
            if batch:
                self._launch(folder, batch)

    def _launch_once(self, folder: Path, trials: Sequence[Trial]) -> str | None:
        """Gives the trials to the launcher; what broke it, if something did."""
        hydra = self.master.config.hydra
        shared, _ = launchers.slots(hydra, self.sweeper, folder)
        tether = Tether.tie(folder)
        worker = Worker(self.verb, self.app, self.shared, folder, {t.number: t for t in trials}, tether, shared)
        try:
            with CutOnSignal(tether, launchers.is_basic(hydra)) as signals:
                launchers.launch(hydra, worker, trials)
        except RuntimeError as fault:  # loky's and submitit's word for a process that was killed
            return None if signals.requested else next(iter(str(fault).splitlines()), type(fault).__name__)
        except KeyboardInterrupt:
            raise runs.Stopped(self._how_to_go_on(folder)) from None
        finally:
            tether.cut()
        return None

    def _how_to_go_on(self, folder: Path) -> str:
        states = [row["state"] for row in folders.rows(folder)]
        ended = len(states) - states.count("unfinished")
        folders.write_tables(folder)
        return f"{ended} jobs ended; go on with: railyard {self.verb} resume={os.path.relpath(folder)}"

    def _report(self, folder: Path, asked: Sequence[Trial], first: Job) -> str:
        rows = folders.rows(folder)
        states = [row["state"] for row in rows]
        counts = {state: states.count(state) for state in ("complete", "pruned", "failed")}
        result = {"sweep": str(folder), "jobs": len(asked), **counts, "table": str(folder / "table.md")}
        added = self.sweeper.report(self.space, folder, getattr(first.root, "optimized_metric", None))
        output = launch.render({**result, **added}, first)
        failed = [row for row in rows if row["state"] == "failed"]
        if failed:
            lines = [f"  job {row['number']} ({row['overrides']}): {row['error']}" for row in failed]
            fault = RailyardError("\n".join([f"{len(failed)} of {len(rows)} jobs failed", *lines]))
            fault.output = output
            raise fault
        return output
