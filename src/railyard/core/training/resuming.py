"""The config of a resumed run: the run's own, with the few keys that may change."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.runs import provenance
from railyard.core.runs.folder import differences, moved_to
from railyard.core.runs.trust import refuse_admissions, refuse_paths
from railyard.core.training import devices

PER_CALL = ("json", "validate_config", "resume", "metrics")  # of one call, not of the run
AGAIN = ("allow", "experiment")  # where a call says again which classes it admits
CHANGEABLE = (
    "out",
    "address",
    "client",
    "trainer.max_steps",
    "trainer.max_epochs",
    "trainer.devices",
    "trainer.accelerator",
    "trainer.log_every_n_steps",
    "data.workers",
    "data.prefetch",
    "logger",
    "callbacks.progress",
    "extras",
    "test",
    "tags",
)


def resumed_config(
    stored: Mapping[str, Any], composed: Mapping[str, Any], given: Iterable[str], folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """The config of a resumed run in `folder`, and the lines that say what changed."""
    typed = list(given)
    refuse_admissions(stored, composed.get("allow") or [], folder)
    before = moved_to(str(folder), stored)
    refuse_paths(before, folder, typed)
    after = changed_for_resume(before, composed, [key for key in typed if key not in (*PER_CALL, *AGAIN)])
    _keep_global_batch(after, global_batch(folder))
    changes = differences(before, after)
    return {**after, **{key: composed[key] for key in PER_CALL if key in composed}}, changes


def global_batch(folder: Path) -> int | None:
    """Rows of a micro-batch over all ranks when the run began; None if it did not come so far."""
    return provenance.read(folder).get("global_batch")


def _keep_global_batch(config: dict[str, Any], rows: int | None) -> None:
    """On another number of ranks each takes another share of the same global batch."""
    trainer, data = config.get("trainer"), config.get("data")
    if rows is None or not isinstance(trainer, Mapping) or not isinstance(data, Mapping) or "batch_size" not in data:
        return  # where a section is none, the check says so
    ranks = devices.ranks(trainer)
    if rows % ranks:
        raise UserError(
            f"this run was begun in batches of {rows} rows over all ranks, which {ranks} ranks cannot share evenly; "
            "resume it on a number of trainer.devices that divides them"
        )
    config["data"] = {**data, "batch_size": rows // ranks}


def changed_for_resume(stored: Mapping[str, Any], composed: Mapping[str, Any], given: Iterable[str]) -> dict[str, Any]:
    """The run's own config with the few changes a resume may make, taken from the newly composed config.

    `given` are the dotted keys of this command line; any other than `CHANGEABLE` is refused.
    """
    config = copy.deepcopy(dict(stored))
    for key in given:
        if not any(key == allowed or key.startswith(allowed + ".") for allowed in CHANGEABLE):
            raise UserError(
                f"{key} may not change on resume (the result would not be the same run); "
                f"changeable: {', '.join(CHANGEABLE)}. For a new run use ckpt_path="
            )
        _copy_value(composed, config, key.split("."))
    return config


def _copy_value(source: Mapping[str, Any], target: dict[str, Any], key: list[str]) -> None:
    """Copy the value at `key`; one that was deleted from `source` (`~callbacks.progress`) goes from `target` too."""
    *above, last = key
    for part in above:
        source = source.get(part) or {}
        if not isinstance(target.get(part), dict):
            target[part] = {}
        target = target[part]
    if last in source:
        target[last] = source[last]
    else:
        target.pop(last, None)
