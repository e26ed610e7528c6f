"""A rail of one file, that nothing in Railyard names, is served by all verbs that rails share."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import railyard as package
from railyard.core import rail

HELPERS = Path(__file__).parents[1] / "helpers"
RUN = "outputs/train/guest/mean/a"
EXPERIMENT = """# @package _global_
defaults: [override /data: null, override /model: null, override /objective: null, override /trainer: cpu]
allow: [guest_rail.Numbers, guest_rail.Mean]
data: {_target_: guest_rail.Numbers, file: some.numbers}
model:
  _target_: guest_rail.Mean
  optimizer: {_target_: torch.optim.SGD, _partial_: true, lr: 0.1}
guest: {level: 1}
trainer: {max_epochs: 2}
callbacks: {report: {plots: false}}
"""

ALLOW = "allow=[guest_rail.Numbers,guest_rail.Mean]"


@pytest.fixture
def guest(work, monkeypatch):
    """The working directory of somebody with a rail of their own, of which this process has not heard."""
    monkeypatch.setattr(rail, "_registered", {})
    monkeypatch.delitem(sys.modules, "guest_rail", raising=False)
    (work / "some.numbers").write_text("".join(f"{number}\n" for number in range(8)))
    (work / "conf" / "experiment" / "guest").mkdir(parents=True)
    (work / "conf" / "experiment" / "guest" / "mean.yaml").write_text(EXPERIMENT)
    return work


@pytest.fixture
def trained(guest, railyard):
    done = railyard("train", "experiment=guest/mean", "test=true", f"hydra.run.dir={RUN}", "json=true")
    assert done.code == 0, done.err
    return done


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("guest.levl=2", "guest.levl: unknown key (value 2); did you mean 'level'?"),
        ("guest.level=-1", "guest.level: must be greater than or equal to 0, got -1  [command line: guest.level=-1]"),
        ("data.batch_size=3", "data.batch_size: must be even on this rail  [command line: data.batch_size=3]"),
        ("data.file=nowhere", "data.file: there are no numbers at nowhere  [command line: data.file=nowhere]"),
    ],
)
def test_its_mistakes_are_told_with_key_and_place(guest, railyard, word, line):
    done = railyard("train", "experiment=guest/mean", word, "validate_config=true")
    assert (done.code, done.out) == (2, "")
    assert f"  {line}" in done.err


def test_it_trains_and_is_evaluated_shown_listed_and_replayed(trained, guest, railyard):
    assert "  numbers    8\n" in trained.err
    run = guest / RUN
    assert trained.json["test"].keys() == {"distance", "split"}
    assert yaml.safe_load((run / "config.yaml").read_text())["guest"] == {"level": 1}

    judged = railyard("evaluate", f"run={run}", ALLOW, "split=odd", "power=2", "json=true")
    assert judged.json["split"] == "odd", judged.err
    assert judged.json["distance"] > 0
    assert "  power: 2\n" in judged.err
    assert "unknown key" in railyard("evaluate", f"run={run}", ALLOW, "limit_rows=3").err
    assert "must be 'odd' or 'even'" in railyard("evaluate", f"run={run}", ALLOW, "split=train").err

    shown = railyard("show", "path=some.numbers", "per=2", "out=drawn", "json=true")
    assert shown.json == {"kind": "numbers", "lines": 4}
    assert (guest / "drawn" / "drawn.txt").read_text() == "****"

    rows = railyard("runs", "where=guest.level=1", "json=true").json["runs"]
    assert {(row["verb"], row["experiment"]) for row in rows} == {("train", "guest/mean")}

    again = railyard("replay", f"run={run}", ALLOW, "json=true")
    assert again.json["identical"], again.err


def test_its_model_is_read_in_a_notebook(trained, guest):
    assert 1 < package.Run(RUN).model() < 7


def test_it_is_met_by_a_new_process_that_resumes_its_run(trained, guest):
    shutil.copy(HELPERS / "guest_rail.py", guest)
    command = [sys.executable, "-m", "railyard.cli", "train", f"resume={RUN}", ALLOW]
    command += ["trainer.max_epochs=3", "json=true"]
    done = subprocess.run(command, cwd=guest, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["steps"] == 12


def test_an_installed_rail_is_found_by_its_entry_point(guest, monkeypatch):
    entry = importlib.metadata.EntryPoint("guest", "guest_rail:Guest", "railyard.rails")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry] if group == entry.group else [])
    rail._installed.cache_clear()
    try:
        assert [known.package for known in rail.known()][-1] == "guest_rail"
    finally:
        rail._installed.cache_clear()


def test_each_of_railyards_own_is_found_by_its_file():
    assert [known.package for known in rail._own()] == ["railyard.board", "railyard.stage2", "railyard.tlg8"]


def test_an_experiment_of_no_rail():
    none = rail.of({"data": {"_target_": "mine.Data"}, "model": None, "objective": 3})
    assert (none.rules(None), none.plan(None), none.evaluation(), none.artifacts) == ([], [], None, ())
