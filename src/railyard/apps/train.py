"""`railyard train experiment=board/quickstart`: fit an experiment, or continue one with resume=RUN."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from railyard.apps.evaluate import evaluate
from railyard.core.config.targets import Fault
from railyard.core.errors import UserError
from railyard.core.training import rules as core_rules
from railyard.core.training.experiment import Evaluate, Experiment
from railyard.core.verbs.launch import Job
from railyard.stage2.settings import refusals

ROOT = Experiment
FOLDER = True


def first(config: Mapping[str, Any], faults: list[Fault]) -> list[Fault]:
    return refusals(config, faults)


def rules(root: Experiment) -> list[Fault]:
    rail = _rail(root, "rules")
    return core_rules.check(root) + (rail.check(root) if rail else [])


def plan(job: Job) -> str:
    """What will run; for a resumed run also what changed."""
    rail = _rail(job.root, "plan")
    lines = ["railyard train", *(f"  allowed    {name}, a class of yours" for name in job.root.allow)]
    lines += [rail.describe(job.root)] if rail else []
    lines += [f"  resume     {job.folder}"] if job.resumed else []
    lines += [f"  changed    {line}" for line in job.changes]
    lines += [yaml.safe_dump(dict(job.config), sort_keys=False)] if job.root.extras.print_config else []
    return "\n".join(lines)


def run(job: Job) -> dict[str, Any]:
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from railyard.core.training.fit import fit

    assert job.folder is not None
    if not job.root.train:
        return evaluate(Evaluate(ckpt_path=Path(job.root.ckpt_path)), job.folder)
    try:
        result = fit(job.root, job.folder, job.command, job.resumed, job.pruning)
    except MisconfigurationException as fault:
        raise UserError(f"Lightning refuses this trainer: {' '.join(str(fault).split())}") from None
    if job.root.test:
        result["test"] = evaluate(Evaluate(run=job.folder), job.folder)
    return result


def _rail(root: Experiment, part: str) -> ModuleType | None:
    """`railyard.<rail>.<part>` of the rail that the data or the model comes from."""
    for component in (root.data, root.model):
        package = type(component).__module__.split(".")
        if package[0] == "railyard" and package[1] != "core":
            return importlib.import_module(f"railyard.{package[1]}.{part}")
    return None
