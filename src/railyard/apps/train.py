"""`railyard train experiment=board/quickstart`: fit an experiment, or continue one with resume=RUN."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from railyard.apps import evaluate as evaluation
from railyard.core import rail
from railyard.core.config.targets import Fault
from railyard.core.errors import UserError
from railyard.core.training import rules as core_rules
from railyard.core.training.experiment import Experiment, with_sections
from railyard.core.verbs.launch import Job

ROOT = Experiment
FOLDER = True


def root(config: Mapping[str, Any]) -> type[Experiment]:
    """With the sections that a rail has at the root."""
    return with_sections(config)


def first(config: Mapping[str, Any], faults: list[Fault]) -> list[Fault]:
    owner = rail.of_keys(config)
    return owner.refusals(config, faults) if owner else []


def rules(job: Job) -> list[Fault]:
    return core_rules.check(job.root) + rail.of(job.config).rules(job.root)


def plan(job: Job) -> str:
    """What will run; for a resumed run also what changed."""
    lines = ["railyard train", *(f"  allowed    {name}, a class of yours" for name in job.root.allow)]
    lines += rail.of(job.config).plan(job.root)
    lines += [f"  resume     {job.folder}"] if job.resumed else []
    lines += [f"  changed    {line}" for line in job.changes]
    lines += [yaml.safe_dump(dict(job.config), sort_keys=False)] if job.root.extras.print_config else []
    return "\n".join(lines)


def run(job: Job) -> dict[str, Any]:
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from railyard.core.training.fit import fit

    assert job.folder is not None
    if not job.root.train:
        return _evaluated(job.folder, {"ckpt_path": Path(job.root.ckpt_path)})
    try:
        result = fit(job.root, job.folder, job.command, job.resumed, job.pruning)
    except MisconfigurationException as fault:
        raise UserError(f"Lightning refuses this trainer: {' '.join(str(fault).split())}") from None
    if job.root.test:
        result["test"] = _evaluated(job.folder, {"run": job.folder})
    return result


def _evaluated(out: Path, subject: Mapping[str, Any]) -> dict[str, Any]:
    return evaluation.evaluate(evaluation.root(subject)(**subject), out)
