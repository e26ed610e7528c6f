"""What `railyard evaluate` looks at on this rail: a run's bundle, or one that is given, and blocks to judge it by."""

from pathlib import Path
from typing import Any

from railyard.core.config.check import check_part
from railyard.core.errors import UserError
from railyard.core.training import experiment as experiments
from railyard.core.training.checkpoint import load
from railyard.core.training.fit import build_module
from railyard.core.training.subject import Subject
from railyard.tlg8.evaluation import report
from railyard.tlg8.evaluation.evaluate import Blocks
from railyard.tlg8.evaluation.evaluate import evaluate as judge
from railyard.tlg8.ranking.bundle import read_bundle, report_figures
from railyard.tlg8.ranking.spec import features_of
from railyard.tlg8.training.config import BlockData
from railyard.tlg8.training.data import BlockDataModule

SPLIT_KEYS = ("split", "split_seed", "fraction")
INIT = "init"  # the bundle that was judged, with its figures


def evaluate(subject: Subject, out: Path, limit_blocks: int | None) -> dict[str, Any]:
    """Judge the bundle on the validation blocks of the data, with the features that it was trained on."""
    check(subject)
    assert isinstance(subject.data, BlockData)
    bundle = read_bundle(_bundle(subject, out))
    features = features_of(bundle.facts.inputs, bundle.path)
    knobs = subject.data.model_copy(update={"features": features})
    module = BlockDataModule(knobs)
    if dict(module.data.edges) != bundle.facts.edges:
        raise UserError(
            f"{bundle.path} has quantile bins of other blocks than those of {knobs.packs[0]}: judge it there"
        )
    blocks = Blocks.of(module.data, module.projections, limit_blocks)
    result = judge(bundle, blocks, features.price.evaluations, features.pixels)
    told = {
        "bundle": str(bundle.path),
        "mode": bundle.facts.mode,
        "leaky": bundle.facts.leaky,
        "packs": [str(path) for path in knobs.packs],
        "split": knobs.split,
        "blocks": result["blocks"],
        "features": len(features.names),
        "features_cost": str(features.price),
    }
    report.write(out, result, told)
    report_figures(bundle, out / INIT, knobs.split, module.data.sha256, result)
    return {"report": str(out / "evaluation.md"), **told, **result}


def check(subject: Subject) -> None:
    """UserError for other data than blocks, and where blocks count as held out that the run learned from."""
    if not isinstance(subject.data, BlockData):
        raise UserError("evaluation of a ranker takes packs of blocks: data=tlg8_blocks data.pack=PACK")
    trained, _ = check_part(subject.config.get("data"), subject.config.get("allow", []), "data")
    if not isinstance(trained, BlockData) or _places(trained) != _places(subject.data):
        return
    for name in SPLIT_KEYS:
        before, now = getattr(trained, name), getattr(subject.data, name)
        if before != now:
            raise UserError(
                f"data.{name}={now} holds out other blocks than {subject.run} did, which was trained with {before}: it "
                "learned from some of them; leave the key as the run had it, or give other packs"
            )


def _places(data: BlockData) -> set[Path]:
    return {path.resolve() for path in data.packs}


def _bundle(subject: Subject, out: Path) -> Path:
    """The bundle's folder; made from a checkpoint where the run has not written one."""
    if subject.checkpoint is None:
        assert subject.init is not None
        return subject.init
    experiment, faults = experiments.read(subject.config)
    if experiment is None or faults:
        raise UserError(f"{subject.run}/config.yaml does not describe a ranker of this version")
    module = build_module(experiment, experiment.data.build())
    module.load_state_dict(load(subject.checkpoint)["state_dict"])
    module.write_init(out / INIT)
    return out / INIT
