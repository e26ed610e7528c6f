"""From a command line to a running verb: compose, check everything, print the plan, run, report, exit code.

A verb's app (one file in `railyard/apps`) gives `ROOT` (its config's class) and `run(job)`; it may give `plan(job)`
(what will
happen, without building it), `rules(root)` (faults across components) and `FOLDER = True` (it wants a run folder).
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml
from hydra._internal.callbacks import Callbacks
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, run_job
from hydra.types import HydraContext
from omegaconf import OmegaConf, open_dict, read_write

from railyard.core import config as configs
from railyard.core import run as runs
from railyard.core.compose import Composition
from railyard.core.errors import EXIT_INTERRUPT, RailyardError, UserError
from railyard.core.targets import Fault

log = logging.getLogger(__name__)


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


class App(Protocol):
    ROOT: type[configs.Verb]

    def run(self, job: Job) -> dict[str, Any]: ...


def main(verb: str, app: App, argv: list[str]) -> int:
    """Run a verb; returns the exit code. Results go to standard output, everything else to standard error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = _call(verb, app, argv)
    except RailyardError as fault:
        sys.stderr.write(f"railyard {verb}: {fault}\n")
        return fault.exit_code
    except runs.Stopped as stop:
        sys.stderr.write(f"railyard {verb}: stopped; {stop}\n")
        return EXIT_INTERRUPT
    except KeyboardInterrupt:
        sys.stderr.write(f"railyard {verb}: interrupted\n")
        return EXIT_INTERRUPT
    if result is not None:
        sys.stdout.write(result)
    return 0


def _call(verb: str, app: App, argv: list[str]) -> str | None:
    if "-m" in argv or "--multirun" in argv:
        raise UserError("sweeps (-m) are not part of this version; run the jobs one by one")
    composition = Composition(verb, [word for word in argv if word != "--cfg=job"])
    if "--cfg=job" in argv:
        return str(OmegaConf.to_yaml(OmegaConf.masked_copy(composition.config, _job_keys(composition))))
    job = check(verb, app, composition, argv)
    plan = app.plan(job) if hasattr(app, "plan") else _plain_plan(job)
    sys.stderr.write(plan.rstrip() + "\n")
    if job.config.get("validate_config"):
        return render({"valid": True, "plan": plan.splitlines()}, job) if job.root.json_ else None
    while job.folder is not None and not job.resumed and not runs.claim(job.folder):
        job = check(verb, app, composition, argv)  # another run took the name: the next check draws a new one
    return _run(app, composition, job)


def _job_keys(composition: Composition) -> list[str]:
    return [str(key) for key in composition.config if key != "hydra"]


def check(verb: str, app: App, composition: Composition, argv: list[str]) -> Job:
    """The first act of every verb: all faults at once, with the place each came from."""
    folder, resume = _folder(verb, app, composition)
    _set_output(composition, folder)
    container, faults = composition.container()
    changes: list[str] = []
    if resume and folder:
        container, changes = _resumed_config(folder, container, composition)
    root, faults = configs.read(app.ROOT, container, faults)
    faults += composition.hydra_faults()
    if not faults and hasattr(app, "rules"):
        faults += app.rules(root)
    if faults:
        raise UserError(explain(faults, composition))
    return Job(verb, root, container, ["railyard", verb, *argv], folder, resume, changes)


def explain(faults: list[Fault], composition: Composition) -> str:
    """One line for each fault: key, what is wrong, where it was set."""
    lines = []
    for fault in faults:
        origin = composition.origin(fault.key)
        lines.append(f"  {'.'.join(fault.key)}: {fault.message}" + (f"  [{origin}]" if origin else ""))
    count = "one fault" if len(lines) == 1 else f"{len(lines)} faults"
    return "\n".join([f"the config has {count}; nothing was started", *lines])


def _resumed_config(
    folder: Path, container: dict[str, Any], composition: Composition
) -> tuple[dict[str, Any], list[str]]:
    stored = runs.read_config(folder)
    given = [line.lstrip("+~").split("=", 1)[0] for line in composition.overrides]
    config = runs.changed_for_resume(stored, container, [key for key in given if key != "resume"])
    config["paths"] = {**config.get("paths", {}), "output_dir": str(folder)}
    return config, runs.differences(stored, config)


def _folder(verb: str, app: App, composition: Composition) -> tuple[Path | None, bool]:
    """The run folder's path: the run to resume, or where a new one will be made (nothing is made yet)."""
    if not getattr(app, "FOLDER", False):
        return None, False
    resume = OmegaConf.select(composition.config, "resume")
    if resume:
        return Path(str(resume)).resolve(), True
    experiment = composition.config.hydra.runtime.choices.get("experiment") or "none"
    root = Path(str(OmegaConf.select(composition.config, "paths.root_dir") or "."))
    return runs.new_name((root / "outputs" / verb / str(experiment)).resolve()), False


def _set_output(composition: Composition, folder: Path | None) -> None:
    """Tell Hydra's node where output goes, so that ${hydra:runtime.output_dir} resolves during the check."""
    with read_write(composition.config.hydra), open_dict(composition.config.hydra):
        composition.config.hydra.run.dir = str(folder or ".")
        composition.config.hydra.runtime.output_dir = str(folder or Path.cwd())
        if folder is None:
            composition.config.hydra.output_subdir = None
    HydraConfig.instance().set_config(composition.config)


def _run(app: App, composition: Composition, job: Job) -> str:
    if job.folder is not None:
        _describe_folder(composition, job)
    outcome: list[dict[str, Any] | BaseException] = []

    def task(_: object) -> None:
        try:
            outcome.append(app.run(job))
        except RailyardError as fault:
            log.error("%s", fault)  # log.txt keeps it; Hydra would print a trace
            outcome.append(fault)
        except (KeyboardInterrupt, runs.Stopped) as stop:
            outcome.append(stop)

    done: JobReturn = run_job(
        task_function=task,
        config=composition.config,
        job_dir_key="hydra.run.dir",
        job_subdir_key=None,
        hydra_context=HydraContext(config_loader=composition.loader, callbacks=Callbacks()),
    )
    if not outcome:
        _ = done.return_value  # re-raises what went wrong
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return render(outcome[0], job)


def _describe_folder(composition: Composition, job: Job) -> None:
    """What will run: config.yaml, and the call under `.hydra` (the next `.hydra/resume-N` of a resumed run)."""
    assert job.folder is not None
    with read_write(composition.config.hydra), open_dict(composition.config.hydra):
        composition.config.hydra.output_subdir = ".hydra"
        if job.resumed:
            earlier = len(list((job.folder / ".hydra").glob("resume-*")))
            composition.config.hydra.output_subdir = f".hydra/resume-{earlier + 1}"
    sys.stderr.write(f"run folder: {os.path.relpath(job.folder)}\n")
    runs.write_config(job.folder, job.config)


def _plain_plan(job: Job) -> str:
    hidden = ("json", "allow", "paths")
    lines = [f"  {key}: {value}" for key, value in job.config.items() if key not in hidden]
    return "\n".join([f"railyard {job.verb}", *lines])


def render(result: Mapping[str, Any], job: Job) -> str:
    """The result as YAML for people, or as one JSON line."""
    if job.root.json_:
        return json.dumps(result, default=str) + "\n"
    text: str = yaml.safe_dump(json.loads(json.dumps(result, default=str)), sort_keys=False, width=110)
    return text
