"""What the run of a search holds, for `railyard show`: how it stands, its best trial, whether its bundles are whole."""

from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.store import durable, journal
from railyard.core.store.reading import read_json
from railyard.tlg8.training.trial_log import trials_of

ADVICE = "restore it"


def describe_search(run: Path) -> dict[str, Any]:
    """Facts of a run folder; `damaged` names the bundles that are not whole."""
    config, best = (read_json(run / name, ADVICE, missing=ADVICE) for name in ("config.json", "best.json"))
    trials = trials_of(journal.read(run / "progress.jsonl"))
    damaged = []
    for trial in trials:
        if trial.get("figures"):
            try:
                durable.check_manifest(run / trial["bundle"])
            except UserError as fault:
                damaged.append(str(fault))
    return {
        "kind": "tlg8 search",
        "run_id": best.get("run_id"),
        "mode": config.get("mode"),
        "status": best.get("status"),
        "reason": best.get("reason"),
        "gate_met": best.get("gate_met"),
        "trials": best.get("trials"),
        "best": best.get("best"),
        "pareto_front": [each["trial_id"] for each in best.get("pareto_front", [])],
        "checked": ["progress.jsonl", "bundles"],
        **({"damaged": damaged} if damaged else {}),
    }
