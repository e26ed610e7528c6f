"""A rail in one file, as somebody outside Railyard might write it: it learns the mean of a file of numbers."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from railyard.core import rail
from railyard.core.config.component import Component, Foreign, PathKnob
from railyard.core.config.faults import Fault, blamed_on
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.training.experiment import Data, Experiment, Model
from railyard.core.training.subject import Subject


class Numbers(Data):
    """A file of numbers, one a line."""

    file: PathKnob = Field(description="the file")
    batch_size: Annotated[int, Field(ge=1)] = 2

    def read(self) -> list[float]:
        if not self.file.is_file():
            raise UserError(f"there are no numbers at {self.file}")
        return [float(line) for line in self.file.read_text().splitlines()]

    def build(self, **runtime: Any) -> Any:
        import lightning.pytorch as pl
        import torch

        from railyard.core.training.loading import BatchOrder, OrderedLoader

        values = torch.tensor(self.read())

        class Source:
            def __len__(self) -> int:
                return len(values)

            def __getitems__(self, positions: Any) -> Any:
                return values[torch.from_numpy(positions)]

        class Loaders(pl.LightningDataModule):
            def train_batches(self) -> int:
                return len(self.train_dataloader())

            def train_dataloader(loaders) -> Any:
                return OrderedLoader(Source(), BatchOrder(len(values), self.batch_size))

            def val_dataloader(loaders) -> Any:
                return OrderedLoader(Source(), BatchOrder(len(values), 8, shuffle=False, drop_last=False))

            def facts(loaders) -> dict[str, Any]:
                return {"numbers": len(values), "sha256": durable.sha256_of(self.file)}

        return Loaders()


class Mean(Model):
    """One number."""

    optimizer: Foreign
    begin: float = 0.0

    def build(self, data: Any, objective: None, total_steps: int, guest: "Level", **runtime: Any) -> Any:
        import lightning.pytorch as pl
        import torch

        knobs = self

        class Module(pl.LightningModule):
            def __init__(self) -> None:
                super().__init__()
                self.mean = torch.nn.Parameter(torch.tensor(knobs.begin + guest.level))

            def training_step(self, batch: Any, index: int) -> Any:
                return ((batch - self.mean) ** 2).mean()

            def validation_step(self, batch: Any, index: int) -> None:
                self.log("val/loss", ((batch - self.mean) ** 2).mean())

            def configure_optimizers(self) -> Any:
                return knobs.optimizer.leaf()(self.parameters())

            def write_init(self, folder: Path) -> None:
                folder.mkdir(exist_ok=True)
                durable.write_json(folder / "mean.json", {"mean": self.mean.item(), "steps": total_steps})

        return Module()


class Level(Component):
    """A section at the root of the config."""

    level: Annotated[int, Field(ge=0)] = 0


class Sections(Component, abstract=True):
    guest: Level = Field(Level(), description="where the mean begins")


class Distance(rail.Evaluation, abstract=True):
    """How far the mean is from that of the data."""

    split: Literal["odd", "even"] = Field("even", description="which lines; another rail has a key of this name")
    power: Annotated[int, Field(ge=1)] = Field(1, description="of the distance")

    def evaluate(self, subject: Subject, out: Path) -> dict[str, Any]:
        assert subject.init is not None
        values = subject.data.read()[self.split == "even" :: 2]
        mean = json.loads((subject.init / "mean.json").read_text())["mean"]
        result = {"distance": abs(mean - sum(values) / len(values)) ** self.power, "split": self.split}
        durable.write_json(out / "distance.json", result)
        return result


class NumberFile(rail.Artifact):
    name = "a file of numbers"

    def fits(self, path: Path) -> bool:
        return path.suffix == ".numbers"

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        return {"kind": "numbers", "lines": len(Numbers(file=path).read()) // call.per}

    def draw(self, path: Path, facts: Any, out: Path, call: Any) -> None:
        durable.write_text(out / "drawn.txt", "*" * facts["lines"])


class Per(Component, abstract=True):
    per: int = Field(1, description="lines counted as one")


class Guest(rail.Rail):
    keys = ("guest",)
    artifacts = (NumberFile(),)

    def sections(self) -> type[Component]:
        return Sections

    def rules(self, experiment: Experiment) -> list[Fault]:
        data = experiment.data
        odd = isinstance(data, Numbers) and data.batch_size % 2
        return [Fault(("data", "batch_size"), "must be even on this rail")] if odd else []

    def plan(self, experiment: Experiment) -> list[str]:
        assert isinstance(experiment.data, Numbers)
        with blamed_on("data", "file"):
            return [f"  numbers    {len(experiment.data.read())}"]

    def evaluation(self) -> type[rail.Evaluation]:
        return Distance

    def show_keys(self) -> type[Component]:
        return Per

    def model(self, init: Path) -> Any:
        return json.loads((init / "mean.json").read_text())["mean"]


rail.register(Guest())
