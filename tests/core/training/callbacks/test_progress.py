"""Lines without a terminal, a bar on one; the last line once."""

import logging
import os
import pty
import sys

import pytest
import tiny

from railyard.core.training.callbacks import config

PROGRESS = {"progress": config.Progress(every_seconds=1e-9)}


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    monkeypatch.setattr("railyard.core.training.callbacks.progress.REDRAW_SECONDS", -1.0)


def lines(caplog):
    return [record.message for record in caplog.records if record.message.startswith("train ")]


def test_lines_say_steps_and_losses_and_the_last_comes_once(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        tiny.train(tmp_path / "run", callbacks=PROGRESS)
    found = lines(caplog)
    assert len(found) == 22
    assert found[0].startswith("train 1/22 steps, ")
    assert found[-1].startswith("train 22/22 steps, ")
    assert "val/loss" in found[-1]


def test_a_resumed_run_counts_on(tmp_path, caplog):
    both = {**PROGRESS, "saver": config.Saver()}
    tiny.train(tmp_path / "run", {"max_epochs": 1}, callbacks=both)
    with caplog.at_level(logging.INFO):
        tiny.train(tmp_path / "run", {"max_epochs": 2}, callbacks=both, resumed=True)
    assert lines(caplog)[-11].startswith("train 12/22 steps, ")


def test_a_terminal_gets_a_bar(tmp_path, monkeypatch, caplog):
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal, caplog.at_level(logging.INFO):
        monkeypatch.setattr(sys, "stderr", terminal)
        tiny.train(tmp_path / "run", callbacks=PROGRESS)
    drawn = os.read(ours, 2**20).decode()
    os.close(ours)
    assert "22/22" in drawn
    assert lines(caplog) == []
