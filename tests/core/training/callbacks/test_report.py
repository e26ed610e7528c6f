"""report.md: what it says, without plots, after a signal."""

import os
import signal

import pytest
import tiny

from railyard.core.config.component import Foreign
from railyard.core.runs import plots
from railyard.core.runs.signals import Stopped
from railyard.core.training.callbacks import config

CALLBACKS = {
    "saver": config.Saver(),
    "throughput": config.Throughput(every_n_steps=4),
    "report": config.Report(plots=False),
}
PLOTTED = {**CALLBACKS, "report": config.Report()}


def report(folder):
    return (folder / "report.md").read_text()


def test_it_says_what_ran_how_well_and_how_fast(tmp_path):
    tiny.train(tmp_path / "exp" / "run", callbacks=CALLBACKS)
    text = report(tmp_path / "exp" / "run")
    assert text.startswith("# train: run\n\n22 optimizer steps; the best checkpoint is of step ")
    for line in ("| val/loss |", "`railyard train`", "max_epochs: 2", " rows/s; ", "railyard train resume="):
        assert line in text
    assert "/run trainer.max_epochs=4\n" in text
    assert "what it is" not in text


def test_it_names_the_experiment_and_says_what_metrics_are(tmp_path):
    hydra = tmp_path / "run" / ".hydra"
    hydra.mkdir(parents=True)
    (hydra / "hydra.yaml").write_text("hydra: {runtime: {choices: {experiment: board/quick}}}")
    model = Foreign("tiny.Explaining", {})
    tiny.train(tmp_path / "run", {"max_epochs": -1, "max_steps": 11}, callbacks=CALLBACKS, model=model)
    text = report(tmp_path / "run")
    assert text.startswith("# train board/quick: run\n")
    assert "| a guess has 1 |" in text
    assert "/run trainer.max_steps=22\n" in text


def test_it_says_what_stopped_the_fit_early(tmp_path):
    stopping = Foreign(
        "lightning.pytorch.callbacks.EarlyStopping", {"monitor": "val/loss", "patience": 1, "min_delta": 9}
    )
    tiny.train(tmp_path / "run", {"max_epochs": 9}, callbacks={**CALLBACKS, "early": stopping})
    assert "Stopped early by EarlyStopping: val/loss did not improve on " in report(tmp_path / "run")


def test_plots_stand_beside_it(tmp_path):
    pytest.importorskip("matplotlib")
    tiny.train(tmp_path / "run", callbacks=PLOTTED)
    assert "![loss](loss.png)" in report(tmp_path / "run")
    assert (tmp_path / "run" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_how_to_get_plots(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    tiny.train(tmp_path / "run", callbacks=PLOTTED)
    assert "matplotlib is missing; `pip install 'railyard[plots]'`" in report(tmp_path / "run")
    assert not list((tmp_path / "run").glob("*.png"))


def test_plots_can_be_off(tmp_path):
    tiny.train(tmp_path / "run", callbacks={"report": config.Report(plots=False)})
    text = report(tmp_path / "run")
    assert "![" not in text
    assert "22 optimizer steps." in text
    assert "No timings were kept" in text


def test_a_signal_leaves_a_report_too(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny.TinyModule, "on_train_epoch_start", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Stopped):
        tiny.train(tmp_path / "run", callbacks=CALLBACKS)
    assert "1 optimizer steps" in report(tmp_path / "run")


def test_a_fast_dev_run_leaves_none(tmp_path):
    tiny.train(tmp_path / "run", {"fast_dev_run": True}, callbacks=CALLBACKS)
    assert not (tmp_path / "run" / "report.md").exists()
