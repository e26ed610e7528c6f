"""`railyard promote`: a bundle in a run folder of its own, laid out as a search of one trial leaves it."""

import shutil
from pathlib import Path
from typing import Any

from railyard.core.making.outputs import refuse_occupied
from railyard.core.store import durable
from railyard.tlg8.ranking.bundle import FACTS, WEIGHTS, read_bundle
from railyard.tlg8.training.trial_log import SCHEMA_VERSION

BUNDLE = Path("artifacts", "trial_0000", "init")


def promote(source: Path, run: Path) -> dict[str, Any]:
    """Copies the bundle at `source` into the new run folder; UserError where anything stands there."""
    source = source.parent if source.name == FACTS else source
    bundle = read_bundle(source)
    refuse_occupied(run, "a new run", "run_id")
    origin = {"promoted_from": str(source), "bundle_sha256": durable.sha256_of(source / durable.MANIFEST)}
    with durable.atomic_folder(run) as folder:
        (folder / BUNDLE).mkdir(parents=True)
        for name in (FACTS, WEIGHTS, durable.MANIFEST):
            shutil.copyfile(source / name, folder / BUNDLE / name)
        durable.write_json(
            folder / "config.json", {"schema_version": SCHEMA_VERSION, "mode": bundle.facts.mode, **origin}
        )
        best = {"trial_id": 0, "bundle": BUNDLE.as_posix(), "parameters_total": sum(bundle.facts.parameters.values())}
        told = {"run_id": run.name, "mode": bundle.facts.mode, "status": "promoted", "best": best}
        durable.write_json(folder / "best.json", {"schema_version": SCHEMA_VERSION, **told})
    return {"bundle": str(run / BUNDLE), **origin, "leaky": bundle.facts.leaky}
