"""From a command line to a running verb: compose, check everything, print the plan, run, report, exit code.

The verb is a class (`verb.py`) and the name of its file in conf/.
"""

import errno
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log
from omegaconf import open_dict, read_write

from railyard.core.config import hydra_node
from railyard.core.config.check import check_config
from railyard.core.config.compose import Composition
from railyard.core.config.config_files import readable
from railyard.core.config.debugging import without_misfits
from railyard.core.config.defaults import completed, filled
from railyard.core.config.faults import Fault, FaultyConfig
from railyard.core.config.origins import explain
from railyard.core.config.words import is_utf8
from railyard.core.errors import EXIT_INTERRUPT, Negative, RailyardError, UserError
from railyard.core.output import can_write, write_out
from railyard.core.progress import said
from railyard.core.runs import run_state
from railyard.core.runs.elsewhere import tell_where_started
from railyard.core.runs.folder import claim, new_name, read_config, write_call, write_config
from railyard.core.runs.signals import Stopped
from railyard.core.runs.trust import refuse_links
from railyard.core.store.lock import locked
from railyard.core.sweeping.config import chosen_sweeper
from railyard.core.training.devices import missing
from railyard.core.training.resuming import resumed_config
from railyard.core.training.rules import OWNED
from railyard.core.verbs import options
from railyard.core.verbs.verb import Job, Verb

log = logging.getLogger(__name__)

# what is wrong with a path that naming another one puts right
UNUSABLE = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS, errno.ENAMETOOLONG)


def guarded(verb: str, work: Callable[[], str]) -> int:
    """Do the work of a verb and write its result to standard output; returns the exit code.

    What went wrong is one message on standard error; a defect of Railyard keeps its traceback.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        write_out(work())
    except RailyardError as fault:
        write_out(fault.output)
        sys.stderr.write(f"railyard {verb}: {fault}\n")
        return fault.exit_code
    except OSError as fault:
        if fault.errno not in UNUSABLE:
            raise
        sys.stderr.write(f"railyard {verb}: {fault.filename}: {fault.strerror}\n")
        return UserError.exit_code
    except Stopped as stop:
        sys.stderr.write(f"railyard {verb}: stopped; {stop}\n")
        return EXIT_INTERRUPT
    except KeyboardInterrupt:
        sys.stderr.write(f"railyard {verb}: interrupted\n")
        return EXIT_INTERRUPT
    finally:
        said()
    return 0


@contextmanager
def _told_how_to_go_on(job: Job) -> Iterator[None]:
    """An interrupt of a verb that can be resumed says how."""
    try:
        yield
    except KeyboardInterrupt:
        if not job.how_to_go_on:
            raise
        raise Stopped(f"what is done is kept, go on with: {job.how_to_go_on}") from None


def call(verb: str, app: type[Verb], argv: list[str]) -> str:
    """Run a verb with the words of a command line; returns what standard output gets."""
    typed = options.parse(argv)
    composition = Composition(verb, [app.as_typed(word) for word in typed.overrides], root=app)
    if typed.prints:
        if typed.resolve:
            _set_output(composition, _folder(verb, app, composition, None)[0])
        return typed.printed(composition)
    try:
        return _called(verb, app, composition, argv)
    except UserError as fault:
        with suppress(UserError):  # where even that cannot be read, the mistake is told as it is
            if named := composition.select("resume") or composition.select("run"):
                tell_where_started(fault, Path(str(named)))
        raise


def _called(verb: str, app: type[Verb], composition: Composition, argv: list[str]) -> str:
    job = check(verb, app, composition, argv)
    plan = plan_of(composition, job)
    said()
    sys.stderr.write(plan.rstrip() + "\n")
    if job.root.only_checks(job):
        return render({"valid": True, "plan": plan.splitlines()}, job) if job.root.json_ else ""
    _refuse_unswept(composition)
    return _run(composition, claimed(verb, app, composition, job, argv))


def plan_of(composition: Composition, job: Job) -> str:
    """What will happen. UserError for what is seen to be wrong only now, with the place it was set."""
    own = [f"  yours      {readable(file)}, in place of the one that ships" for file in composition.in_place_of_shipped]
    try:
        return "\n".join([str(job.root.plan(job)).rstrip(), *own])
    except FaultyConfig as refused:
        raise UserError(explain(refused.faults, composition)) from None


def _refuse_unswept(composition: Composition) -> None:
    search = composition.choice("hparams_search")
    if search is not None:
        raise UserError(f"hparams_search={search} describes a sweep: add -m to run it, or leave it out")


def claimed(verb: str, app: type[Verb], composition: Composition, job: Job, argv: list[str]) -> Job:
    """The job once its new run folder is ours; a name that another run took is drawn anew."""
    while job.folder is not None and not job.resumed and not claim(job.folder):
        if composition.run_dir:
            raise UserError(f"{job.folder} exists already; a new run needs a folder of its own, or go on with resume=")
        job = check(verb, app, composition, argv)
    return job


def check(
    verb: str,
    app: type[Verb],
    composition: Composition,
    argv: list[str],
    place: Path | None = None,
    elsewhere: bool = False,
) -> Job:
    """The first act of every verb: all faults at once, with the place each came from.

    `place` is the folder of a job that has one already, as those of a sweep have; `elsewhere`: another machine will
    run it.
    """
    folder, resume = _folder(verb, app, composition, place)
    _set_output(composition, folder)
    _ = composition.in_place_of_shipped  # what is read without being named admits nothing
    container, faults = composition.container()
    given = [name for name, _ in composition.given]
    changes: list[str] = []
    if resume and folder:
        refuse_links(folder)
        container, changes = resumed_config(read_config(folder), container, given, folder)
        faults = [fault for fault in faults if any(".".join(fault.key).startswith(name) for name in given)]
    if alone := app.first(container, faults):
        raise UserError(explain(alone, composition))
    kind = app.read_as(container)
    container = filled(kind, container if resume else without_misfits(container, composition, kind))
    root, faults = check_config(kind, container, faults)
    faults += [*hydra_node.faults(composition.config.hydra), *chosen_sweeper(composition.config.hydra)[1]]
    job = Job(verb, root, container, ["railyard", verb, *argv], folder, resume, changes, elsewhere=elsewhere)
    faults += [] if faults else [*_absent(job), *root.rules(job)]
    if faults:
        raise UserError(explain(faults, composition))
    return job


def _absent(job: Job) -> Iterator[Fault]:
    """Paths that the verb reads and that are not there, and a device that this machine has not."""
    for key in job.root.reads:
        value = getattr(job.root, key)
        for path in value if isinstance(value, list) else [value]:
            if path is not None and not path.exists():
                yield Fault((key,), f"there is nothing at {path}")
    device = getattr(job.root, "device", None)
    for name in device.split(",") if isinstance(device, str) and not job.elsewhere else ():
        if reason := missing(name.strip()):
            yield Fault(("device",), f"{reason}; device=auto takes what is there")


def _folder(verb: str, app: type[Verb], composition: Composition, place: Path | None) -> tuple[Path | None, bool]:
    """The run folder's path: the run to resume, or where a new one will be made (nothing is made yet)."""
    if not app.has_folder:
        return None, False
    if resume := composition.select("resume"):
        return Path(str(resume)).resolve(), True
    folder = place or composition.run_dir or new_folder(verb, app, composition)
    if not is_utf8(str(folder)):
        raise UserError(f"the run folder {str(folder)!r} is not UTF-8: work in a folder whose path is")
    return folder, False


def new_folder(verb: str, app: type[Verb], composition: Composition) -> Path:
    """A name for a folder of its own under `outputs`; nothing is made yet."""
    root = Path(str(composition.select("paths.root_dir") or "."))
    with composition.explained():
        label = app.label(composition.job()) or composition.choice("experiment") or "none"
    return new_name((root / "outputs" / verb / label).resolve())


def _set_output(composition: Composition, folder: Path | None) -> None:
    """Tell Hydra's node where output goes, so that ${hydra:runtime.output_dir} resolves during the check."""
    with read_write(composition.config.hydra), open_dict(composition.config.hydra):
        composition.config.hydra.run.dir = str(folder or ".")
        composition.config.hydra.runtime.output_dir = str(folder or Path.cwd())
        if folder is None:
            composition.config.hydra.output_subdir = None
    HydraConfig.instance().set_config(composition.config)


def _run(composition: Composition, job: Job) -> str:
    try:
        return _output(perform(composition, job), job)
    except Negative as answer:
        answer.output = _output(answer.result, job)
        raise


def perform(composition: Composition, job: Job) -> dict[str, Any]:
    """Run a checked job and return its result; raises what went wrong."""
    hydra = composition.config.hydra
    with ExitStack() as held:
        if job.folder is not None:
            held.enter_context(locked(job.folder))
            _describe_folder(composition, job.folder, job)
        configure_log(hydra.job_logging, hydra.verbose)
        try:
            with run_state.recorded(job.folder) as result, _told_how_to_go_on(job):
                result.update(job.root.perform(job))
        except RailyardError as fault:
            _to_log_file(str(fault))
            raise
        except (KeyboardInterrupt, Stopped) as stop:
            _to_log_file(f"stopped; {stop}")
            raise
        return result


def _output(result: dict[str, Any], job: Job) -> str:
    """What standard output gets: for a person the verb's own text, or YAML."""
    if job.root.json_:
        return render(result, job)
    text: str | None = job.root.text(result)
    return text if text is not None else render(job.root.summary(result), job)


def _to_log_file(message: str) -> None:
    """Keep in log.txt what `main` tells the person at the terminal."""
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, message, (), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def _describe_folder(composition: Composition, folder: Path, job: Job) -> None:
    """What will run: config.yaml, and the call under `.hydra` (the next `.hydra/resume-N` of a resumed run)."""
    with read_write(composition.config.hydra), open_dict(composition.config.hydra):
        composition.config.hydra.output_subdir = ".hydra"
        if job.resumed:
            earlier = len(list((folder / ".hydra").glob("resume-*")))
            composition.config.hydra.output_subdir = f".hydra/resume-{earlier + 1}"
    sys.stderr.write(f"run folder: {os.path.relpath(folder)}\n")
    write_config(folder, completed(job.config, {"trainer": OWNED, **job.root.SUPPLIED}))
    HydraConfig.instance().set_config(composition.config)
    parts = {"config": composition.job(), "hydra": HydraConfig.instance().cfg}
    parts["overrides"] = composition.config.hydra.overrides.task
    write_call(folder / composition.config.hydra.output_subdir, parts)


def render(result: Mapping[str, Any], job: Job) -> str:
    """The result as YAML for people, or as one JSON line; characters that the terminal has not are escaped."""
    plain = json.loads(json.dumps(result, default=str))
    for escaped in (False, True):
        if job.root.json_:
            text = json.dumps(_finite(plain), allow_nan=False, ensure_ascii=escaped) + "\n"
        else:
            text = yaml.safe_dump(plain, sort_keys=False, width=110, allow_unicode=not escaped)
        if can_write(text):
            break
    return text


def _finite(node: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(node, dict):
        return {key: _finite(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_finite(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node
