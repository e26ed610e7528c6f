"""A LightningModule and a DataModule as a user might write them, and a way to fit them in a folder."""

import json
from pathlib import Path

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from railyard.core.config.component import Foreign
from railyard.core.runs.folder import claim, write_config
from railyard.core.training.callbacks import config
from railyard.core.training.experiment import Experiment, Model
from railyard.core.training.figures import count, gauge, ratio
from railyard.core.training.fit import fit
from railyard.core.training.loading import BatchOrder, OrderedLoader

ROWS = 22


class Numbers:
    def __len__(self):
        return ROWS

    def __getitems__(self, positions):
        return torch.from_numpy(positions).float()[:, None] / ROWS


class TinyData(pl.LightningDataModule):
    """11 batches of 2 rows."""

    def __init__(self, batch_size=2):
        super().__init__()
        self.batch_size = batch_size

    def train_batches(self):
        return len(self.train_dataloader())

    def train_dataloader(self):
        return OrderedLoader(Numbers(), BatchOrder(ROWS, self.batch_size))

    def val_dataloader(self):
        return OrderedLoader(Numbers(), BatchOrder(ROWS, 8, shuffle=False, drop_last=False))


class GlobalData(TinyData):
    """Says how many rows a batch of all ranks has."""

    @property
    def global_batch(self):
        return self.batch_size


class TorchData(pl.LightningDataModule):
    """Stock loaders, and no `train_batches`."""

    def train_dataloader(self):
        return DataLoader(torch.arange(ROWS).float()[:, None], batch_size=2, num_workers=0)


class TinyModule(pl.LightningModule):
    """Logs what a test can foretell: the number of the batch in this epoch."""

    log_epoch_too = False

    def __init__(self, lr=0.1, validation_values=None):
        super().__init__()
        self.lr = lr
        self.layer = torch.nn.Linear(1, 1)
        self.dropout = torch.nn.Dropout(0.5)
        self.validation_values = validation_values
        self.validations = 0
        self.draws = []

    def training_step(self, batch, batch_idx):
        self.draws.append(float(torch.rand(())))
        self.log("train/number", float(batch_idx), on_step=True, on_epoch=self.log_epoch_too)
        self.log("train/another", 1.0)
        return self.dropout(self.layer(batch)).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.layer(batch).square().mean())

    def on_validation_epoch_end(self):
        if self.validation_values:
            self.log("val/given", self.validation_values[self.validations])
        self.validations += 1

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)


class Judged(TinyModule):
    """Has a test."""

    def test_step(self, batch, batch_idx):
        self.log("test/weight", self.layer.weight.detach().sum())


class JudgedData(TinyData):
    def test_dataloader(self):
        return self.val_dataloader()


class Epochal(TinyModule):
    """Logs a mean over the epoch only."""

    def training_step(self, batch, batch_idx):
        self.log("train/epoch_mean", float(batch_idx), on_step=False, on_epoch=True)
        return super().training_step(batch, batch_idx)


class Explaining(TinyModule):
    """Says what it logs."""

    def meanings(self):
        return {"loss": "a guess has 1"}


class Reporting(TinyModule):
    """Counts, gauges and ratios beside means; only every second batch has the gauge. Measures a part of its own."""

    def training_step(self, batch, batch_idx):
        self.batch_idx = batch_idx
        return super().training_step(batch, batch_idx)

    def take_figures(self):
        found = {"rows": count(2), "odd": ratio((self.batch_idx % 2, 1), (0, 0))}
        return found | ({"even": gauge(self.batch_idx)} if self.batch_idx % 2 == 0 else {})

    def take_timings(self):
        return {"time/forward": gauge(0.25)}


class OnFrozen(TinyModule):
    """A part that is trained on weights that are not."""

    def __init__(self, base=1.0):
        super().__init__()
        self.base = torch.nn.Linear(1, 1).requires_grad_(False)
        torch.nn.init.constant_(self.base.weight, base)

    def kept_weights(self):
        return [name for name in self.state_dict() if not name.startswith("base")]

    def configure_optimizers(self):
        return torch.optim.SGD(self.layer.parameters(), lr=self.lr)

    def write_init(self, folder):
        folder.mkdir(exist_ok=True)
        (folder / "names.txt").write_text(" ".join(self.state_dict()))


class Based(Model):
    """Describes `OnFrozen`, and what it stands on."""

    base: float = 1.0

    def build(self, **runtime):
        return OnFrozen(self.base)

    def stands_on(self):
        return {"folder": "base/", "fingerprint": str(self.base)}


class StopAfter(pl.Callback):
    """Asks for a stop after a batch, as a clock or EarlyStopping does."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if batch_idx + trainer.current_epoch * 1000 == self.batch:
            trainer.should_stop = True


class Plateau(TinyModule):
    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "monitor": "val/loss"}}


class Counting(TinyModule):
    """Wants to know the length of the run."""

    def __init__(self, total_steps):
        super().__init__()
        self.total_steps = total_steps
        self.register_buffer("told", torch.tensor(total_steps))


class Plain(pl.LightningModule):
    """No validation, nothing logged."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch):
        return self.layer(batch).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def experiment(trainer=None, callbacks=None, model=None, data=None, **keys):
    """An experiment on the CPU; `callbacks` are Railyard's or Lightning's descriptions by name."""
    fixed = {"accelerator": "cpu", "max_epochs": 2, "num_sanity_val_steps": 0, "log_every_n_steps": 4}
    return Experiment(
        data=data or Foreign("tiny.TinyData", {}),
        model=model or Foreign("tiny.TinyModule", {}),
        trainer=Foreign("lightning.pytorch.Trainer", {**fixed, **(trainer or {})}),
        callbacks={"saver": config.Saver(every_n_steps=5)} if callbacks is None else callbacks,
        **keys,
    )


def train(folder, trainer=None, resumed=False, **keys):
    """Fit an experiment in `folder`; the result of `fit`."""
    described = experiment(trainer, **keys)
    if not resumed:
        claim(folder)
        write_config(folder, {"seed": described.seed, "trainer": dict(described.trainer.kwargs)})
    return fit(described, folder, ["railyard", "train"], resumed)


def rows(folder):
    """metrics.jsonl as dicts without checksums."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "crc"} for line in lines]


def manifest(folder):
    return json.loads((folder / "checkpoints" / "manifest.json").read_text())


def steps_on_disk(folder: Path):
    return sorted(int(path.stem.partition("-")[2]) for path in (folder / "checkpoints").glob("step-*.ckpt"))
