"""What the stage2 rail gives the verbs that all rails share."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.core.config.component import Component
from railyard.core.config.faults import Fault
from railyard.core.progress import counting
from railyard.core.rail import Artifact, Evaluation, Format, Rail

if TYPE_CHECKING:
    from railyard.core.training.experiment import Experiment


class Scenes(Artifact):
    name = "scenes"

    def fits(self, path: Path) -> bool:
        return path.suffix == ".jsonl" or (path / "scenes.jsonl").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.stage2.scenes.statistics import describe

        with counting("show", "records") as tick:
            return describe(path, call.space, tick)

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        from railyard.stage2.scenes.drawing import draw

        with counting("draw", "records") as tick:
            draw(path, out, call.space, tick)


class ModelFolder(Artifact):
    name = "a model folder of stage2"

    def fits(self, path: Path) -> bool:
        return all((path / name).is_file() for name in ("config.json", "tokenizer.json", "tokenizer_config.json"))

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.stage2.model.describe import describe

        return describe(path)


class Hf(Format):
    name = "hf"

    def fits(self, init: Path) -> bool:
        return ModelFolder().fits(init)

    def write(self, init: Path, out: Path, command: list[str]) -> dict[str, Any]:
        from railyard.stage2.model.hf_export import export_hf

        return export_hf(init, out, command)


class Stage2(Rail):
    keys = ("stage2_ab", "custom", "training")  # as in settings.py, which is read only where one of them stands
    artifacts = (Scenes(), ModelFolder())
    formats = (Hf(),)
    data_opens_at_once = False  # nor its model

    def concerns(self, config: Mapping[str, Any]) -> bool:
        if not super().concerns(config):
            return False
        from railyard.stage2.settings import concerns

        return concerns(config)

    def sections(self) -> type[Component]:
        from railyard.stage2.settings import Settings

        return Settings

    def rules(self, experiment: "Experiment") -> list[Fault]:
        from railyard.stage2.rules import check

        return check(experiment)

    def plan(self, experiment: "Experiment") -> list[str]:
        from railyard.stage2.plan import lines

        return lines(experiment)

    def model(self, init: Path) -> Any:
        from railyard.stage2.model.build import build
        from railyard.stage2.model.config import Folder, Network

        return build(Network(weights=Folder(folder=init))).eval()

    def evaluation(self) -> type[Evaluation]:
        from railyard.stage2.training.config import DetectorEvaluation

        return DetectorEvaluation

    def show_keys(self) -> type[Component]:
        from railyard.stage2.scenes.config import SpaceOfScenes

        return SpaceOfScenes


RAIL = Stage2()
