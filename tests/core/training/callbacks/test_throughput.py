"""Lines of timings.jsonl: rows, the split of a step's time, memory."""

import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.store import journal
from railyard.core.training.callbacks import config
from railyard.core.training.callbacks.throughput import batch_rows, memory

THROUGHPUT = {"throughput": config.Throughput(every_n_steps=5)}


def lines(folder, **keys):
    tiny.train(folder, {"max_epochs": 1, "limit_val_batches": 0}, callbacks=THROUGHPUT, **keys)
    return journal.read(folder / "timings.jsonl")


def test_a_line_sums_up_its_interval(tmp_path):
    found = lines(tmp_path / "run")
    assert [line["step"] for line in found] == [5, 10]
    for line in found:
        assert line["rows_per_second"] * line["step_ms"] / 1000 == pytest.approx(2, rel=0.05)
        assert line["peak_rss_bytes"] > 10**7


def test_a_slow_model_does_not_wait_for_data(tmp_path):
    last = lines(tmp_path / "run", model=Foreign("tiny.SlowModule", {}))[-1]
    assert last["step_ms"] > 20
    assert last["waiting_share"] < 0.3


def test_slow_data_is_seen_as_waiting(tmp_path):
    assert lines(tmp_path / "run", data=Foreign("tiny.SlowData", {}))[-1]["waiting_share"] > 0.5


@pytest.mark.parametrize("batch", [torch.zeros(7, 2), (torch.zeros(7), torch.zeros(2)), {"a": [torch.zeros(7, 1)]}])
def test_rows_are_the_first_dimension_of_the_first_tensor(batch):
    assert batch_rows(batch) == 7


def test_memory_is_counted_in_bytes():
    before = memory()["peak_rss_bytes"]
    block = torch.ones(8 * 2**20)
    assert memory()["peak_rss_bytes"] >= before
    assert before < 64 * 2**30
    del block
