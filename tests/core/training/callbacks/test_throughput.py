"""Lines of timings.jsonl: rows, the split of a step's time, memory."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.store import journal
from railyard.core.training.callbacks import config, throughput
from railyard.core.training.callbacks.throughput import Throughput, batch_rows, memory
from railyard.core.training.stepping import MicroBatch


def test_a_run_has_a_line_for_each_interval(tmp_path):
    callbacks = {"throughput": config.Throughput(every_n_steps=5)}
    tiny.train(tmp_path / "run", {"max_epochs": 1, "limit_val_batches": 0}, callbacks=callbacks)
    found = journal.read(tmp_path / "run" / "timings.jsonl")
    assert [line["step"] for line in found] == [5, 10]
    assert all(line["peak_rss_bytes"] > 10**7 for line in found)


def test_a_modules_own_timings_stand_beside_the_rows_and_not_in_the_metrics(tmp_path):
    callbacks = {"throughput": config.Throughput(every_n_steps=5)}
    model = Foreign("tiny.Reporting", {})
    tiny.train(tmp_path / "run", {"max_epochs": 1, "limit_val_batches": 0}, callbacks=callbacks, model=model)
    assert [line["time/forward"] for line in journal.read(tmp_path / "run" / "timings.jsonl")] == [0.25, 0.25]
    assert not any("time/forward" in row for row in tiny.rows(tmp_path / "run"))


def test_rows_of_a_micro_batch_are_its_own():
    micro = MicroBatch(0, None, 1, ([1, 2], [3, 4, 5]), (0, 2))
    assert (batch_rows(micro), batch_rows(replace(micro, index=2))) == (3, 0)


class Fit:
    """Steps by a clock of its own: so many seconds of waiting for data, of computing, of validation."""

    def __init__(self, folder, every_n_steps, **keys):
        self.now = 100.0
        self.trainer = SimpleNamespace(global_step=0, **{"world_size": 1, "is_global_zero": True, **keys})
        self.path = folder / "timings.jsonl"
        self.callback = Throughput(folder, every_n_steps, clock=lambda: self.now)
        self.callback.on_train_start(self.trainer, None)

    def step(self, waiting, computing, validation=0.0, rows=4):
        self.now += waiting
        self.callback.on_train_batch_start(self.trainer, None, torch.zeros(rows, 1), 0)
        self.now += computing
        self.trainer.global_step += 1
        self.callback.on_train_batch_end(self.trainer, None)
        self.now += validation
        if validation:
            self.callback.on_validation_end(self.trainer, None)

    def lines(self):
        kept = ("step", "rows_per_second", "step_ms", "waiting_share")
        return [tuple(line[key] for key in kept) for line in journal.read(self.path)] if self.path.exists() else []


@pytest.fixture
def accumulating(monkeypatch):
    """A list: whether the batches to come end without an optimizer step."""
    answers = []
    monkeypatch.setattr(throughput, "is_accumulating", lambda trainer: answers.pop(0) if answers else False)
    return answers


def test_a_line_sums_up_its_interval_and_the_next_begins_anew(accumulating, tmp_path):
    fit = Fit(tmp_path, 2)
    for seconds in ((0.75, 0.25), (0.5, 0.5), (0.0, 2.0), (0.0, 2.0)):
        fit.step(*seconds)
    assert fit.lines() == [(2, 4.0, 1000.0, 0.625), (4, 2.0, 2000.0, 0.0)]


def test_validation_is_neither_waiting_nor_computing(accumulating, tmp_path):
    fit = Fit(tmp_path, 2)
    fit.step(0.25, 0.75, validation=50.0)
    fit.step(0.25, 0.75)
    assert fit.lines() == [(2, 4.0, 1000.0, 0.25)]


def test_rows_are_those_of_all_ranks_and_one_writes(accumulating, tmp_path):
    for name, rank in (("zero", 0), ("one", 1)):
        (tmp_path / name).mkdir()
        fit = Fit(tmp_path / name, 1, world_size=3, is_global_zero=rank == 0)
        fit.step(1.0, 1.0)
        assert fit.lines() == ([(1, 6.0, 2000.0, 0.5)] if rank == 0 else [])


def test_a_batch_that_is_accumulated_ends_no_interval(accumulating, tmp_path):
    accumulating.append(True)
    fit = Fit(tmp_path, 1)
    fit.step(1.0, 1.0)
    assert fit.lines() == []


@pytest.mark.parametrize("batch", [torch.zeros(7, 2), (torch.zeros(7), torch.zeros(2)), {"a": [torch.zeros(7, 1)]}])
def test_rows_are_the_first_dimension_of_the_first_tensor(batch):
    assert batch_rows(batch) == 7


def test_memory_is_counted_in_bytes():
    before = memory()["peak_rss_bytes"]
    block = torch.ones(8 * 2**20)
    assert memory()["peak_rss_bytes"] >= before
    assert before < 64 * 2**30
    del block
