"""What Railyard makes on any rail, for `railyard show`: runs, sweeps, checkpoints, evaluations.

Like a rail's `Artifact`s, they are known by the names of their files.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.rail import Artifact
from railyard.core.runs import curves, metrics, plots
from railyard.core.runs.checkpoints import read_manifest
from railyard.core.store import durable
from railyard.core.store.reading import read_json

EVALUATION = "evaluation.json"
ADVICE = "run the evaluation again"


class RunFolder(Artifact):
    name = "a run"
    is_common = True

    def fits(self, path: Path) -> bool:
        return (path / "config.yaml").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.core.runs.describe import describe_run

        return describe_run(path)

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        """The curves of its metrics; of a run without any what other artifacts have."""
        rows = metrics.read(path)
        if rows and plots.available():
            curves.draw(out, rows)
        else:
            super().draw(path, facts, out, call)


class Sweep(Artifact):
    name = "a sweep"

    def fits(self, path: Path) -> bool:
        from railyard.core.sweeping.folder import SweepFolder

        return SweepFolder(path).is_sweep()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.core.sweeping.folder import SweepFolder

        sweep = SweepFolder(path)
        rows = sweep.rows()
        return {
            "kind": "sweep",
            "path": str(path),
            "verb": sweep.verb(),
            "commands": [" ".join(made["command"]) for made in sweep.calls()],
            "states": dict(Counter(row["state"] for row in rows)),
            "trials": rows,
            "report": str(path / "report.md") if (path / "report.md").is_file() else None,
        }

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        """How the trials ended, and each metric by trial."""
        super().draw(path, facts, out, call)
        kept = ("number", "state", "overrides", "seconds", "error")
        rows = [{"step": row["number"]} | {k: v for k, v in row.items() if k not in kept} for row in facts["trials"]]
        for name in metrics.names(rows) if plots.available() else ():
            plots.curves(out / f"{name.replace('/', '_')}.png", name, {name: metrics.series(rows, name)}, "trial")


class Checkpoint(Artifact):
    name = "a checkpoint"

    def fits(self, path: Path) -> bool:
        return path.suffix == ".ckpt" and path.is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        """Reading it is the integrity check; in a run also its sum in the manifest."""
        from railyard.core.store.tensors import load_tensors

        content = load_tensors(path)
        weights = content.get("state_dict") if isinstance(content, dict) else None
        if not isinstance(weights, dict):
            raise UserError(f"{path} holds no state_dict: it is no checkpoint of Lightning's")
        parts: dict[str, int] = defaultdict(int)
        for name, tensor in weights.items():
            parts[".".join(name.split(".")[:2])] += tensor.numel()
        manifest = read_manifest(path.parent) or {"files": {}}
        known = manifest["files"].get(path.name)
        is_other = known is not None and durable.sha256_of(path) != known["sha256"]
        return {
            "kind": "checkpoint",
            "path": str(path),
            "step": content.get("global_step"),
            "epoch": content.get("epoch"),
            "is_last": manifest.get("last") == path.name,
            "is_best": manifest.get("best") == path.name,
            "parameters": sum(parts.values()),
            "parameters_by_part": dict(parts),
            "holds": sorted(map(str, content)),
            "damaged": [f"{path} is not as its manifest says; resume passes over it"] if is_other else [],
        }


class Evaluation(Artifact):
    """What `evaluate` writes: a folder with it, or the file itself."""

    name = "an evaluation"

    def fits(self, path: Path) -> bool:
        return path.name == EVALUATION or (path / EVALUATION).is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        file = path if path.name == EVALUATION else path / EVALUATION
        return {"kind": "evaluation", "path": str(file), **read_json(file, ADVICE, missing=ADVICE)}


COMMON = (RunFolder(), Sweep(), Checkpoint(), Evaluation())
