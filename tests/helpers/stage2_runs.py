"""Small stage2 runs: scenes on disk with written rollouts, an experiment that learns from them, and a way to fit it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stage2_scenes import small_scenes

from railyard.core.config.component import Foreign, with_keys
from railyard.core.runs.folder import claim, write_config
from railyard.core.training.callbacks import config as callbacks
from railyard.core.training.experiment import Experiment
from railyard.core.training.fit import fit
from railyard.stage2.language.rendering import canonical, render
from railyard.stage2.model.config import Network, Random
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.scenes import records
from railyard.stage2.scenes.records import SceneObject
from railyard.stage2.settings import Custom, Extra, Settings
from railyard.stage2.training.config import SceneData
from railyard.stage2.training.model_config import DetectorModel

SHAPE = Random(hidden=32, layers=1, heads=2, vision_hidden=32, vision_layers=1)
GATE = {"semantic_desc_gate": {"enabled": False}}


def shifted(each: SceneObject, by: int) -> SceneObject:
    """The object a little to the right: another box than the true one, that matches it."""
    x1, y1, x2, y2 = each.box
    return SceneObject(each.desc, (min(x1 + by, 998), y1, min(x2 + by, 999), y2))


def written(objects: tuple[SceneObject, ...], number: int) -> str:
    """A rollout with a shifted object, one that is missed, one that is not there and one that is no box, by turns."""
    kept = [shifted(each, 7 + number) for each in canonical(objects)[: 1 + number % 2]]
    text = render([*kept, SceneObject("ghost", (990, 990, 999, 999))])
    return text if number % 3 else text[:-1] + ', "object_9": {"desc": "broken"}}'


def scenes_with_rollouts(folder: Path, n: int = 12) -> Path:
    """A file of scenes whose records hold a rollout each."""
    file = small_scenes(folder, n)
    lines = []
    for number, line in enumerate(file.read_text().splitlines()):
        record = json.loads(line)
        objects = records.scene_of(record).objects
        record["metadata"] = {**(record.get("metadata") or {}), "rollout": written(objects, number)}
        lines.append(json.dumps(record))
    file.write_text("\n".join([*lines, ""]))
    return file


@dataclass(frozen=True)
class Setup:
    """An experiment in its parts, on the CPU."""

    scenes: Path
    b_ratio: float = 0.5
    batch_size: int = 2
    trainer: dict[str, Any] = field(default_factory=dict)
    losses: dict[str, Any] = field(default_factory=dict)
    rollouts: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    every_n_steps: int = 2
    saver: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)

    def experiment(self) -> Experiment:
        fixed = {"accelerator": "cpu", "max_epochs": 1, "num_sanity_val_steps": 0, "log_every_n_steps": 1}
        network = Network(**{"weights": SHAPE, **self.network})
        adam = Foreign("torch.optim.AdamW", {"lr": 0.01}, partial=True)
        matching = RolloutMatching(**{"rollout_backend": "scripted", **self.rollouts})
        losses = {"channel_b": GATE, **self.losses}
        return with_keys(Experiment, Settings)(
            data=SceneData(scenes=self.scenes, batch_size=self.batch_size, **self.data),
            model=DetectorModel(network=network, optimizer=adam),
            trainer=Foreign("lightning.pytorch.Trainer", {**fixed, "limit_val_batches": 0, **self.trainer}),
            callbacks={"saver": callbacks.Saver(every_n_steps=self.every_n_steps, **self.saver)},
            stage2_ab=Stage2AB(schedule={"b_ratio": self.b_ratio}, **losses),
            custom=Custom(trainer_variant="stage2_ab_training", extra=Extra(rollout_matching=matching)),
            **self.keys,
        )


def train(folder: Path, setup: Setup, resumed: bool = False) -> dict[str, Any]:
    """Fit in `folder`; the result of `fit`."""
    experiment = setup.experiment()
    if not resumed:
        claim(folder)
        write_config(folder, {"seed": experiment.seed})
    return fit(experiment, folder, ["railyard", "train"], resumed)
