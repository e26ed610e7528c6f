"""Seeds that follow from the position; metric rows as means, and cut when a run is resumed."""

import random
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.errors import UserError
from railyard.core.store import journal
from railyard.core.training.callbacks.exact import MetricRows, SeedEachBatch, added, mix_line, own_share

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")


class Drawing(tiny.TinyModule):
    """Draws from every generator at every moment a user may."""

    drawn: list

    def draw(self, moment):
        self.drawn.append((moment, float(torch.rand(())), random.random(), float(np.random.rand())))

    def on_train_epoch_start(self):
        self.draw("epoch")

    def training_step(self, batch, batch_idx):
        self.draw(f"batch {batch_idx}")
        return super().training_step(batch, batch_idx)

    def on_validation_start(self):
        self.draw("validation")


def draws(seed, disturb=0, epochs=2):
    torch.manual_seed(disturb)
    random.seed(disturb)
    np.random.seed(disturb)
    module = Drawing()
    module.drawn = []
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[SeedEachBatch(seed)],
    )
    trainer.fit(module, datamodule=tiny.TinyData())
    return module.drawn


def test_every_generator_follows_from_seed_and_position_alone():
    assert draws(5) == draws(5, disturb=1)


def test_no_two_moments_draw_the_same():
    found = [values for _, *values in draws(5)]
    assert len(found) == 2 * (1 + 11 + 1)
    for column in zip(*found, strict=True):
        assert len(set(column)) == len(found)


def test_another_seed_draws_otherwise():
    assert draws(5) != draws(6)


def test_ranks_draw_apart():
    """Each draws the dropout of its own rows."""

    def drawn(rank):
        strategy = SimpleNamespace(root_device=torch.device("cpu"))
        trainer = SimpleNamespace(global_rank=rank, current_epoch=0, strategy=strategy)
        SeedEachBatch(5).on_train_batch_start(trainer, None, None, 0)
        return float(torch.rand(())), random.random(), float(np.random.rand())

    assert drawn(1) == drawn(1)
    for one, other in zip(drawn(0), drawn(1), strict=True):
        assert one != other


def test_rows_are_means_over_the_batches_since_the_last_row(tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 1})
    found = [row["train/number"] for row in tiny.rows(tmp_path / "run") if "train/number" in row]
    assert found == [np.mean([0, 1, 2, 3]), np.mean([4, 5, 6, 7])]


def test_rows_are_means_over_accumulated_batches(tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 2, "accumulate_grad_batches": 4, "log_every_n_steps": 2})
    found = [(row["step"], row["train/number"]) for row in tiny.rows(tmp_path / "run") if "train/number" in row]
    assert found == [(2, np.mean(range(8))), (4, np.mean([8, 9, 10, 0, 1, 2, 3])), (6, np.mean([4, 5, 6, 7, 8, 9, 10]))]


REPORTING = Foreign("tiny.Reporting", {})
NAMES = ("rows", "odd", "even")


def reported(folder):
    return [[row.get(name) for name in NAMES] for row in tiny.rows(folder) if "rows" in row]


def test_counts_are_summed_and_ratios_divided_over_the_batches_of_a_row(tmp_path):
    tiny.train(
        tmp_path / "run", {"max_epochs": 2, "log_every_n_steps": 1, "accumulate_grad_batches": 2}, model=REPORTING
    )
    one_epoch = [*([4, 0.5, float(i)] for i in (0, 2, 4, 6, 8)), [2, 0.0, 10.0]]  # its last step has one batch
    assert reported(tmp_path / "run") == 2 * one_epoch


def test_a_figure_that_did_not_appear_has_no_place_in_a_row(tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 1, "log_every_n_steps": 1}, model=REPORTING)
    assert reported(tmp_path / "run")[:2] == [[2, 0.0, 0.0], [2, 1.0, None]]


def test_figures_in_flight_are_in_the_checkpoint(tmp_path):
    """Saved after step 5, in the middle of the row of steps 5 to 8."""
    tiny.train(tmp_path / "whole", {"max_epochs": 1}, model=REPORTING)
    tiny.train(tmp_path / "run", {"max_steps": 5}, model=REPORTING)
    tiny.train(tmp_path / "run", {"max_epochs": 1}, resumed=True, model=REPORTING)
    assert reported(tmp_path / "run") == reported(tmp_path / "whole") == [[8, 0.5, 1.0], [8, 0.5, 5.0]]


def test_trackers_hear_of_figures(tmp_path):
    logger = {"csv": Foreign("lightning.pytorch.loggers.CSVLogger", {"save_dir": str(tmp_path / "logs")})}
    tiny.train(tmp_path / "run", {"max_epochs": 1}, model=REPORTING, logger=logger)
    (file,) = (tmp_path / "logs").rglob("metrics.csv")
    head, *lines = [line.split(",") for line in file.read_text().splitlines()]
    found = [dict(zip(head, line, strict=True)) for line in lines]
    assert [(row["step"], row["rows"]) for row in found if row["rows"]] == [("3", "8.0"), ("7", "8.0")]


def test_runs_without_figures_have_none_in_their_checkpoints(tmp_path):
    callback = MetricRows(tmp_path, 1, resumed=False)
    assert callback.state_dict() == {"rows": 0, "sums": [{}]}


def test_epoch_means_of_lightning_are_warned_of_once(tmp_path, caplog):
    tiny.train(tmp_path / "run", model=Foreign("tiny.Epochal", {}))
    assert caplog.text.count("train/epoch_mean: logged with on_step=False") == 1
    assert not any("train/epoch_mean" in row for row in tiny.rows(tmp_path / "run"))


def test_values_that_are_also_epoch_means_keep_their_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny.TinyModule, "log_epoch_too", True)
    tiny.train(tmp_path / "run", {"max_epochs": 1})
    assert [row["train/number"] for row in tiny.rows(tmp_path / "run") if "train/number" in row] == [1.5, 5.5]


class Warming(tiny.TinyModule):
    """Rate 0.1, 0.2, … at steps 1, 2, …; the second group always half of it."""

    def configure_optimizers(self):
        groups = [{"params": [self.layer.weight]}, {"params": [self.layer.bias], "lr": 0.05}]
        optimizer = torch.optim.SGD(groups[:1] if self.lr == 1 else groups, lr=0.1)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step + 1.0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def test_the_rate_of_a_rows_last_step_stands_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny, "Warming", Warming, raising=False)
    tiny.train(tmp_path / "one", {"max_epochs": 1}, model=Foreign("tiny.Warming", {"lr": 1}))
    found = [(row["step"], row["train/lr"]) for row in tiny.rows(tmp_path / "one") if "train/lr" in row]
    assert found == [(4, pytest.approx(0.4)), (8, pytest.approx(0.8))]
    tiny.train(tmp_path / "two", {"max_epochs": 1}, model=Foreign("tiny.Warming", {}))
    rows = [row for row in tiny.rows(tmp_path / "two") if "train/number" in row]
    assert [(row["train/lr_1"], row["train/lr_2"]) for row in rows] == [
        (pytest.approx(0.4), pytest.approx(0.2)),
        (pytest.approx(0.8), pytest.approx(0.4)),
    ]


def test_a_monitor_of_rates_needs_no_tracker(tmp_path):
    callbacks = {"rates": Foreign("lightning.pytorch.callbacks.LearningRateMonitor", {"logging_interval": "step"})}
    tiny.train(tmp_path / "run", {"max_epochs": 1}, callbacks=callbacks)
    assert [row["train/lr"] for row in tiny.rows(tmp_path / "run") if "train/lr" in row] == [0.1, 0.1]


def test_a_validation_has_a_row_of_its_own(tmp_path):
    tiny.train(tmp_path / "run")
    found = [(row["step"], row["epoch"], [*row][2:]) for row in tiny.rows(tmp_path / "run") if "val/loss" in row]
    assert found == [(11, 0, ["val/loss"]), (22, 1, ["val/loss"])]


def test_names_stand_in_one_order(tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 1})
    assert [*tiny.rows(tmp_path / "run")[0]] == ["step", "epoch", "train/another", "train/lr", "train/number"]


RANKS = [{"a": [1.5, 2], "b": [4.0, 1]}, {"a": [0.25, 3]}, {"a": [1.0, 1]}]


def test_figures_of_ranks_add_up_by_sum_and_count():
    assert added(RANKS) == {"a": [2.75, 6], "b": [4.0, 1]}
    assert added([]) == added([{}, {}]) == {}


def test_each_rank_goes_on_from_its_own_sums():
    assert [own_share(RANKS, rank, 3) for rank in range(3)] == RANKS


@pytest.mark.parametrize("ranks", [1, 2, 6])
def test_on_another_number_of_ranks_a_batch_counts_as_often_as_there_are_parts_of_it(ranks):
    """Three ranks made a global batch of three parts: six will make one of six, and both weigh the same in a mean."""
    found, before = added([own_share(RANKS, rank, ranks) for rank in range(ranks)]), added(RANKS)
    for name, (total, count) in before.items():
        assert found[name] == pytest.approx([total * ranks / 3, count * ranks / 3])


def journal_of(folder, number):
    with journal.Journal(folder / "metrics.jsonl") as lines:
        for step in range(number):
            lines.append({"step": step, "epoch": 0})


class Zero:
    is_global_zero = True


def reopened(folder, rows, resumed=True, take="all"):
    callback = MetricRows(folder, 1, resumed, take)
    callback.load_state_dict({"rows": rows, "sums": [{"a": [1.0, 1]}]})
    callback.on_fit_start(Zero(), None)
    callback.teardown(None, None, "fit")
    return callback


def test_rows_after_the_checkpoint_are_cut(tmp_path):
    journal_of(tmp_path, 5)
    assert reopened(tmp_path, 3).rows == 3
    assert [row["step"] for row in tiny.rows(tmp_path)] == [0, 1, 2]


@pytest.mark.parametrize("left", [0, 2])
def test_rows_that_are_gone_are_refused_unless_the_rest_will_do(left, tmp_path):
    journal_of(tmp_path, left)
    with pytest.raises(UserError, match=rf"has {left} rows, and the checkpoint was written after 3.*metrics=rest"):
        reopened(tmp_path, 3)
    assert len(tiny.rows(tmp_path)) == left
    assert reopened(tmp_path, 3, take="rest").rows == left


def test_a_checkpoint_of_another_run_brings_no_rows(tmp_path):
    callback = reopened(tmp_path, 3, resumed=False)
    assert (callback.rows, callback.sums, tiny.rows(tmp_path)) == (0, {}, [])


def test_a_run_without_a_checkpoint_starts_with_no_rows(tmp_path):
    journal_of(tmp_path, 5)
    reopened(tmp_path, 0, resumed=False)
    assert tiny.rows(tmp_path) == []


def test_an_error_closes_the_journal(tmp_path, monkeypatch):
    closed = []
    monkeypatch.setattr(journal.Journal, "close", lambda self: closed.append(self.path.name))
    monkeypatch.setattr(tiny.TinyModule, "validation_step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tiny.train(tmp_path / "run", model=Foreign("tiny.TinyModule", {}))
    assert closed == ["metrics.jsonl"]


def test_the_line_of_a_row_with_mixes():
    row = {
        "mix/d8_errors": 425.0,
        "mix/d8_baseline": 50.0,
        "mix/d6_anneal": 25.0,
        "mix_loss/d8_errors": 0.3,
        "train/loss": 0.2341,
        "train/teacher_agreement": 0.8209,
    }
    wanted = "[Epoch 1, Step 500] loss=0.234 acc=0.821 mix_samples={d8_errors: 425, d8_baseline: 50, d6_anneal: 25}"
    assert mix_line(1, 500, row) == wanted
    assert mix_line(1, 500, {"train/loss": 0.2341}) == ""
