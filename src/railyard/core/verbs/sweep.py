"""`railyard VERB -m …`: a verb run once for each job of a search, each job in a numbered folder of the sweep's own.

All jobs are checked before the first one starts; how each ended is read from the files that the jobs leave, so a
sweep that was killed goes on with `resume=SWEEP` where it was.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.progress import said
from railyard.core.runs.folder import claim
from railyard.core.runs.provenance import provenance
from railyard.core.runs.trust import refuse_paths
from railyard.core.store.lock import locked
from railyard.core.sweeping import overrides
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.verbs import launch, options
from railyard.core.verbs.jobs import Jobs
from railyard.core.verbs.running import Running
from railyard.core.verbs.verb import Verb
from railyard.core.verbs.worker import PATIENCE

OPTIONS = ("-m", "--multirun")
ON_RESUME = ("hydra/launcher", "hydra.launcher", "hydra.sweeper", "json", "validate_config", "allow")
# overrides of a folder that would widen what may run
SAID_AGAIN = ("allow", "hydra.searchpath", "hydra.launcher.setup")


def is_meant(argv: Sequence[str]) -> bool:
    """Whether a command line asks for a sweep: by `-m`, or because what it resumes is one."""
    return any(word in OPTIONS for word in argv) or _resumed(argv) is not None


def call(verb: str, app: type[Verb], argv: Sequence[str]) -> str:
    """Run a sweep with the arguments of a command line; returns what standard output gets."""
    asked = options.parse(word for word in argv if word not in OPTIONS)
    folder = _resumed(asked.overrides)
    typed = [app.as_typed(word, swept=True) for word in asked.overrides]
    calls: list[Any] = []
    given = [overrides.key(word) for word in typed if not word.startswith("resume=")]
    if folder:
        facts = SweepFolder(folder).read(verb)
        typed, calls = _merged(facts["words"], typed), facts["calls"]
    sweep = Jobs(verb, app, typed)
    if asked.prints:
        return asked.printed(sweep.base.varied(sweep.varied[0]))
    place = folder or sweep.new_folder()
    jobs = sweep.check(place)
    for each, _ in jobs if folder else ():
        refuse_paths(each.config, place, given)
    job, job_plan = jobs[0]
    objectives = sweep.objectives(job)
    plan = sweep.plan(job_plan, folder)
    said()
    sys.stderr.write(plan)
    if job.root.only_checks(job):
        return launch.render({"valid": True, "plan": plan.splitlines()}, job) if job.root.json_ else ""
    while not folder and not claim(place):
        if sweep.master.sweep_dir:
            raise UserError(f"{place} exists already; a new sweep needs a folder of its own, or go on with resume=")
        place = sweep.new_folder()
    with locked(place, PATIENCE if folder else 0.0):
        lasting = [word for word in typed if not overrides.sets(word, ("validate_config",))]
        SweepFolder(place).write(verb, lasting, [*calls, provenance(["railyard", verb, *argv])])
        return Running(sweep, place, job, objectives).run()


def _resumed(argv: Sequence[str]) -> Path | None:
    """The sweep's folder that `resume=` names, if it names one."""
    named = [Path(word.partition("=")[2]).resolve() for word in argv if word.startswith("resume=")]
    return next((folder for folder in named if SweepFolder(folder).is_sweep()), None)


def _merged(before: Sequence[str], typed: Sequence[str]) -> list[str]:
    """The overrides of a sweep that goes on: those it was started with, and the few that may change."""
    new = [word for word in typed if not word.startswith("resume=")]
    for word in new:
        if word in before:
            continue
        if not overrides.sets(word, ON_RESUME) or overrides.sets(word, ("hydra.sweeper.params",)):
            raise UserError(
                f"{word} may not change when a sweep goes on (its jobs would not be the same); changeable: "
                f"{', '.join(ON_RESUME)}. For other jobs start a new sweep"
            )
    for word in before:
        if overrides.sets(word, SAID_AGAIN) and word not in new:
            raise UserError(f"the sweep was started with {word}: where you trust its folder, give that word again")
    keys = {overrides.key(word) for word in new}
    dropped = (*keys, "hydra.launcher") if "hydra/launcher" in keys else tuple(keys)
    return [*(word for word in before if not overrides.sets(word, dropped)), *new]
