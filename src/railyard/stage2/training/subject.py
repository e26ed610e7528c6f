"""What `railyard evaluate` does with a stage2 run, a checkpoint inside one or a model folder: rollouts and a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.core.config.check import check_config
from railyard.core.errors import UserError
from railyard.core.progress import counting
from railyard.core.training import devices
from railyard.core.training.subject import Subject
from railyard.stage2.evaluation import average_precision, report
from railyard.stage2.evaluation.judged import Judged
from railyard.stage2.evaluation.judging import Judging
from railyard.stage2.model.build import build
from railyard.stage2.model.config import Folder, Network
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.hf import HfRollouts
from railyard.stage2.settings import Custom
from railyard.stage2.training.config import SceneData

if TYPE_CHECKING:
    from railyard.stage2.training.config import DetectorEvaluation


def evaluate(subject: Subject, out: Path, knobs: "DetectorEvaluation") -> dict[str, Any]:
    """Judges the subject, writes the report into `out`; the result that the verb reports.

    Answers are decoded as the run was told to, by the model itself. UserError without the extra `coco`.
    """
    if not average_precision.available():
        raise UserError(average_precision.MISSING)
    if not isinstance(subject.data, SceneData):
        raise UserError("this evaluation knows scenes only, and the data are of another class: add data=stage2_scenes")
    data, decode = subject.data.build(), decoding(subject.config)
    init = subject.init or init_from_checkpoint(subject, out / "init")
    detector = build(Network(weights=Folder(folder=init))).to(devices.pick(knobs.device))
    data.learn_with(detector.vocabulary)
    judging = Judging(detector, HfRollouts(detector), decode, knobs.seed)
    images: list[Judged] = []
    loader = data.sequential(knobs.split, knobs.batch_size, knobs.limit_images)
    with counting("evaluate", "images") as tick:
        for samples in loader:
            images += judging(samples)
            tick(len(images), len(loader.source))
    figures = judging.figures(images)
    file = loader.source.records.path
    told = {"model": str(init), "scenes": str(file), "split": knobs.split, "decode_mode": decode.decode_mode}
    report.write(out, images, figures, told, file.parent, knobs.overlays)
    return {"report": str(out / "evaluation.md"), "worst": str(out / "worst.html"), **told, **figures}


def decoding(config: Mapping[str, Any]) -> RolloutMatching:
    """How the run of a plain config rolls out; the defaults where there is no run."""
    found = check_config(Custom, config["custom"])[0] if "custom" in config else None
    return found.extra.rollout_matching if found else RolloutMatching()


def init_from_checkpoint(subject: Subject, out: Path) -> Path:
    """Writes the model of a checkpoint as a folder, adapters merged; returns `out`."""
    from railyard.core.training import experiment as experiments
    from railyard.core.training.checkpoint import load
    from railyard.core.training.fit import build_module
    from railyard.core.training.part import refuse_misfit

    assert subject.checkpoint is not None
    experiment, faults = experiments.read(subject.config)
    if experiment is None:
        raise UserError(f"{subject.run}/config.yaml cannot be read any more ({faults[0].message}): restore it")
    module: Any = build_module(experiment, experiment.data.build())
    content = load(subject.checkpoint)
    refuse_misfit(module, content.get("stands_on") or {}, content, subject.checkpoint)
    module.load_state_dict(content["state_dict"], strict=False)
    module.write_init(out)
    return out
