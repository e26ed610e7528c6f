"""What ended a fit early, and what a fit that takes no step is told."""

import pytest
import tiny

from railyard.core.config.component import Foreign
from railyard.core.training.callbacks import config


def early(**keys):
    return Foreign("lightning.pytorch.callbacks.EarlyStopping", {"monitor": "val/loss", **keys})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"patience": 1, "min_delta": 9}, "val/loss did not improve on "),
        ({"stopping_threshold": 1e9}, "val/loss reached the stopping_threshold 1e+09"),
        ({"divergence_threshold": -1.0}, "val/loss passed the divergence_threshold -1"),
    ],
)
def test_early_stopping_says_why(tmp_path, keys, message):
    callbacks = {"saver": config.Saver(), "early": early(**keys)}
    result = tiny.train(tmp_path / "run", {"max_epochs": 9}, callbacks=callbacks)
    assert result["stopped_by"] == "EarlyStopping"
    assert result["message"].startswith(message)


def test_a_clock_that_ran_out(tmp_path):
    result = tiny.train(tmp_path / "run", {"max_epochs": -1, "max_time": "00:00:00:00"})
    assert result["stopped_by"] == "max_time"
    assert result["message"].startswith("trainer.max_time was over after ")


def test_nothing_ended_a_fit_that_came_to_its_last_step(tmp_path):
    assert "stopped_by" not in tiny.train(tmp_path / "run", {"max_steps": 3, "max_epochs": -1})


def test_a_fit_at_its_end_is_told_the_limit(tmp_path, caplog):
    tiny.train(tmp_path / "run", {"max_steps": 3, "max_epochs": -1}, callbacks={"saver": config.Saver()})
    start = str(tmp_path / "run" / "checkpoints" / "last.ckpt")
    tiny.train(tmp_path / "next", {"max_steps": 3, "max_epochs": -1}, ckpt_path=start)
    assert (
        "nothing is left to do, no step was taken: trainer.max_steps=3 is reached; a larger one goes on" in caplog.text
    )
