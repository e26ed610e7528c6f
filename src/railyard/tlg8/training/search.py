"""`railyard search`: trials one after another in a run folder with the source's layout, until a rule ends them.

    RUN/config.json               all knobs; another call for the run has to have the same
    RUN/progress.jsonl            a line a trial, the truth: best.json and the study are made of it
    RUN/best.json
    RUN/artifacts/trial_NNNN/     weights, bundle (init/), features.json, evaluation.md
    RUN/splits/split.json, RUN/dataset/bits.all.npy, …

A trial that was killed has no line; the next call runs it again under its own id.
"""

import importlib.util
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.core.errors import UserError
from railyard.core.making.outputs import refuse_occupied
from railyard.core.runs.folder import differences
from railyard.core.store import durable, journal
from railyard.core.store.lock import locked
from railyard.core.store.reading import read_json
from railyard.core.sweeping.study import proposed
from railyard.core.training.devices import pick
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.training.projection import Strict, TopK
from railyard.tlg8.training.trial import run_trial
from railyard.tlg8.training.trial_log import SCHEMA_VERSION, Goal, Record, ending, summary, trials_of
from railyard.tlg8.training.trial_space import axes_of, config_of, hit_of

if TYPE_CHECKING:
    from railyard.tlg8.training.search_config import Search

CONFIG, PROGRESS, BEST = "config.json", "progress.jsonl", "best.json"
FREE = frozenset({"json_", "allow", "paths", "root", "device"})  # knobs that decide no result
AGAIN = "restore it, or search under another run_id"
SMOKE = {"first_width": "8", "second_width": "0"}


def search(knobs: "Search") -> dict[str, Any]:
    """Runs the trials that are missing; the summary that best.json holds.

    UserError if the run was begun with other knobs or other packs, if `run_id` is taken by something else, or if
    another process works on it.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UserError("search needs optuna, which is not installed: pip install 'railyard[search]'")
    run = knobs.root / knobs.run_id
    _begin(run, _settings(knobs))
    goal = goal_of(knobs)
    with locked(run), journal.Journal(run / PROGRESS) as log:
        records = journal.read(run / PROGRESS)
        while not (records and "event" in records[-1]):
            _publish(run, records, goal, knobs)
            record = ending(records, goal, 1 if knobs.smoke else knobs.trials) or _next(run, records, goal, knobs)
            log.append(record)
            log.sync()
            records.append(record)
        told = _publish(run, records, goal, knobs)
    return {"run": str(run), **told}


def goal_of(knobs: "Search") -> Goal:
    """What trials of these knobs are compared by."""
    gates = {"strict": Strict.gates, "topk": TopK.gates}.get(knobs.mode, ())
    return Goal(hit_of(knobs.mode), gates, by_bits=not gates)


def _settings(knobs: "Search") -> dict[str, Any]:
    """Everything that decides the trials, as config.json holds it."""
    packs = {str(path): Pack.open(path).meta["dataset_sha256"] for path in _packs(knobs)}
    chosen = {key: value for key, value in knobs.model_dump(mode="json").items() if key not in FREE}
    return {"schema_version": SCHEMA_VERSION, "kind": "tlg8 search", **chosen, "dataset_sha256": packs}


def _packs(knobs: "Search") -> list[Path]:
    return knobs.pack if isinstance(knobs.pack, list) else [knobs.pack]


def _begin(run: Path, settings: dict[str, Any]) -> None:
    """Makes the run folder, or finds in it what this call would have written."""
    if not (run / CONFIG).is_file():
        refuse_occupied(run, "the run of a search", "run_id")
        with durable.atomic_folder(run) as folder:
            durable.write_json(folder / CONFIG, settings)
        return
    stored = read_json(run / CONFIG, AGAIN)
    if changed := differences(stored, settings):
        raise UserError(f"{run} was begun with other knobs ({'; '.join(changed)}): take them, or another run_id")


def _next(run: Path, records: list[dict[str, Any]], goal: Goal, knobs: "Search") -> dict[str, Any]:
    """Proposes a trial from the records alone, and runs it."""
    number = len(trials_of(records))
    axes = axes_of(knobs.mode, knobs.allow_answer)
    told = [(record["proposal"], _score(record, goal)) for record in trials_of(records)]
    proposal = proposed(axes, told, "minimize" if goal.by_bits else "maximize", knobs.seed)
    if proposal is None:
        raise UserError(f"{run}: every proposal of the space was tried: search in another mode")
    if knobs.smoke:
        proposal |= SMOKE
    data = {
        "pack": [str(path) for path in _packs(knobs)],
        "split": knobs.split,
        "split_seed": knobs.split_seed,
        "fraction": knobs.fraction,
        "batch_size": knobs.batch_size,
        "dataset": str(run),
    }
    config = config_of(
        proposal, knobs.mode, data, _trainer(knobs), knobs.patience, knobs.seed, allow_answer=knobs.allow_answer
    )
    return run_trial(run, number, proposal, config, 60 * knobs.minutes)


def _trainer(knobs: "Search") -> dict[str, Any]:
    device = pick(knobs.device).partition(":")[0]
    whole = timedelta(minutes=knobs.minutes)
    hours, rest = divmod(max(1, int(whole.total_seconds())), 3600)
    return {
        "accelerator": {"cuda": "gpu"}.get(device, device),
        "devices": 1,
        "max_epochs": 1 if knobs.smoke else knobs.max_epochs,
        "max_time": f"00:{hours:02d}:{rest // 60:02d}:{rest % 60:02d}",
        "gradient_clip_val": 1.0,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 50,
        **({"limit_train_batches": 10} if knobs.smoke else {}),
    }


def _score(record: Record, goal: Goal) -> float | None:
    """What the study is told of a trial; None of a failed one."""
    figures = record.get("figures") or {}
    return figures.get(goal.excess, -figures[goal.hit]) if goal.by_bits and figures else figures.get(goal.hit)


def _publish(run: Path, records: list[dict[str, Any]], goal: Goal, knobs: "Search") -> dict[str, Any]:
    """Writes best.json as the records say."""
    told = summary(records, goal, knobs.run_id, knobs.mode)
    durable.write_json(run / BEST, told)
    return told
