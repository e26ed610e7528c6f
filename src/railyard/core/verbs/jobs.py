"""Which jobs a sweep has: overrides composed, launcher and sweeper checked, then every job checked and listed."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from railyard.core.config import origins
from railyard.core.config.compose import Composition
from railyard.core.config.faults import Fault
from railyard.core.errors import UserError
from railyard.core.sweeping import launchers, overrides
from railyard.core.sweeping.config import chosen_sweeper
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.sweeping.optimized_metric import OptimizedMetric, directions_of_savers
from railyard.core.verbs import launch
from railyard.core.verbs.verb import Job, Verb

OWN = ("hydra/launcher", "hydra/sweeper", "hydra.launcher", "hydra.sweeper", "hydra.sweep")  # keys of no single job
NUMBERED = "${hydra.job.num}"
LISTED = 20  # jobs that the plan names


class Jobs:
    """A verb, the overrides all jobs share, and the sweeper that varies the others."""

    def __init__(self, verb: str, app: type[Verb], typed: Sequence[str]) -> None:
        self.verb, self.app = verb, app
        fixed, swept = overrides.split(typed)
        self._refuse(fixed, swept)
        self.shared = tuple(word for word in fixed if not overrides.sets(word, OWN))
        self.master = Composition(verb, fixed, root=app)
        self.base = Composition(verb, self.shared, self.master)
        self.sweeper, faults = chosen_sweeper(self.master.config.hydra)
        faults += [*launchers.faults(self.master.config.hydra), *_subdir(self.master)]
        faults += [] if faults else launchers.slots(self.master.config.hydra, self.sweeper, Path())[1]
        if faults:
            raise UserError(origins.explain(faults, self.master))
        self.elsewhere = launchers.is_elsewhere(self.master.config.hydra)
        self.space = self.sweeper.space(swept)
        self.varied = self.sweeper.preview(self.space)

    def _refuse(self, fixed: Sequence[str], swept: Sequence[str]) -> None:
        for word in (*fixed, *swept):
            if overrides.sets(word, ("resume",)):
                raise UserError(
                    f"{word}: a sweep starts new runs; resume= takes one run without -m, or one sweep's folder"
                )
            if overrides.sets(word, ("hydra.run.dir",)):
                raise UserError(f"{word}: the jobs of a sweep share its folder; hydra.sweep.dir=FOLDER names that")

    @property
    def needs_metric(self) -> bool:
        """Whether a job that does not log what is optimised has failed: for a search, and where it was typed."""
        typed = any(overrides.sets(word, ("optimized_metric",)) for word in self.shared)
        return self.sweeper.NEEDS_METRIC or typed

    def new_folder(self) -> Path:
        """Where the sweep will lie; nothing is made yet."""
        return self.master.sweep_dir or launch.new_folder(self.verb, self.app, self.base.varied(self.varied[0]))

    def check(self, place: Path) -> list[tuple[Job, str]]:
        """All jobs, checked, each with its plan; raises one UserError with the faults of each."""
        jobs: list[tuple[Job, str]] = []
        found: dict[str, list[int]] = {}
        for number, own in enumerate(self.varied):
            try:
                composition = self.base.varied(own)
                argv = [*self.shared, *own]
                own_place = SweepFolder(place).job(number)
                job = launch.check(self.verb, self.app, composition, argv, own_place, self.elsewhere)
                jobs.append((job, launch.plan_of(composition, job)))
            except UserError as fault:
                lines = str(fault).splitlines()
                found.setdefault("\n".join(lines[1:] or [f"  {lines[0]}"]), []).append(number)
        if found:
            raise UserError(self._explain(found))
        return jobs

    def _explain(self, found: dict[str, list[int]]) -> str:
        faulty = sum(map(len, found.values()))
        lines = [f"{faulty} of {len(self.varied)} jobs cannot run; nothing was started"]
        for text, numbers in found.items():
            own = " ".join(self.varied[numbers[0]])
            others = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            lines.append(f" job {numbers[0]} ({own}){others}:" if own else f" job {numbers[0]}{others}:")
            lines.append(text)
        return "\n".join(lines)

    def objectives(self, job: Job) -> tuple[OptimizedMetric, ...]:
        """What the sweep optimises; a line on standard error where checkpoints are chosen the other way."""
        saved_by = directions_of_savers(getattr(job.root, "callbacks", None))
        found: tuple[OptimizedMetric, ...] = self.sweeper.optimized(
            getattr(job.root, "optimized_metric", None), saved_by
        )
        for objective in found:
            if saved_by.get(objective.name, objective.direction) != objective.direction:
                sys.stderr.write(
                    f"the sweep will {objective.direction} {objective.name} (hydra.sweeper.direction), but each job "
                    f"keeps the checkpoint that would {saved_by[objective.name]} it (callbacks.saver.mode)\n"
                )
        return found

    def plan(self, first: str, resumed: Path | None) -> str:
        """What will run: the jobs, and the plan of the first one."""
        launcher = str(self.master.config.hydra.launcher._target_).rpartition(".")[2]
        how = self.sweeper.describe(self.space) if self.space else "one, since nothing is varied; key=a,b varies a key"
        lines = [f"railyard {self.verb} -m", f"  jobs       {how}, by {launcher}"]
        lines += [f"  resume     {os.path.relpath(resumed)}"] if resumed else []
        shown = self.sweeper.PREVIEWED
        lines += [f"  {shown} {number:<6} {' '.join(own)}" for number, own in enumerate(self.varied[:LISTED])]
        lines += [f"  and {len(self.varied) - LISTED} more"] if len(self.varied) > LISTED else []
        return "\n".join([*lines, "job 0:", first.rstrip(), ""])


def _subdir(master: Composition) -> list[Fault]:
    """A name of one's own for the folders of jobs: a sweep that goes on finds them by their numbers."""
    written = OmegaConf.to_container(master.config.hydra.sweep, resolve=False)
    if isinstance(written, dict) and written["subdir"] in (NUMBERED, "."):
        return []
    message = "jobs lie in numbered folders, by which a sweep goes on: hydra.sweep.dir=FOLDER names the one around them"
    return [Fault(("hydra", "sweep", "subdir"), message)]
