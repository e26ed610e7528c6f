"""What the run of a search or of a promoted bundle holds, for `railyard show`: state, best trial, damage."""

from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.store import durable, journal
from railyard.core.store.reading import read_json
from railyard.tlg8.training.trial_log import usable

ADVICE = "restore it"


def describe_search(run: Path) -> dict[str, Any]:
    """Facts of a run folder; `damaged` names the bundles that are not whole."""
    config, best = (read_json(run / name, ADVICE, missing=ADVICE) for name in ("config.json", "best.json"))
    told = {key: best.get(key) for key in ("run_id", "mode", "status", "best")}
    if "promoted_from" in config:
        source = {key: config[key] for key in ("promoted_from", "bundle_sha256")}
        bundles = [best["best"]["bundle"]]
        return {"kind": "tlg8 promoted bundle", **told, **source, "checked": ["bundles"], **_damaged(run, bundles)}
    return {
        "kind": "tlg8 search",
        **told,
        **{key: best.get(key) for key in ("reason", "gate_met", "trials")},
        "pareto_front": [each["trial_id"] for each in best.get("pareto_front", [])],
        "checked": ["progress.jsonl", "bundles"],
        **_damaged(run, [trial["bundle"] for trial in usable(journal.read(run / "progress.jsonl"))]),
    }


def _damaged(run: Path, bundles: list[str]) -> dict[str, list[str]]:
    """What is wrong with bundles, if anything is."""
    found = []
    for bundle in bundles:
        try:
            durable.check_manifest(run / bundle)
        except UserError as fault:
            found.append(str(fault))
    return {"damaged": found} if found else {}
