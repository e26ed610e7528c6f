"""A mistake about a run's relative path, told with where the run was started."""

import pytest

from railyard.core.errors import UserError
from railyard.core.runs.elsewhere import tell_where_started
from railyard.core.runs.folder import write_config
from railyard.core.store import durable


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that was started in `home`, which has data/pack; the test works in `away`."""
    for name in ("home/data/pack", "away", "run"):
        (tmp_path / name).mkdir(parents=True)
    write_config(tmp_path / "run", {"seed": 1, "data": {"pack": "data/pack", "others": ["data/none"]}})
    durable.write_json(tmp_path / "run" / "provenance.json", {"working_folder": str(tmp_path / "home")})
    monkeypatch.chdir(tmp_path / "away")
    return tmp_path / "run"


def told(message, run):
    fault = UserError(message)
    tell_where_started(fault, run)
    return str(fault)


def test_a_path_that_is_there_says_where(run):
    home = run.parent / "home"
    more = f"; the run was started in {home}, where data/pack is: start the call there"
    assert told("there is nothing at data/pack", run) == f"there is nothing at data/pack{more}"


def test_other_mistakes_stay_as_they_are(run, monkeypatch):
    for message in ("there is nothing at data/none", "steps: 3 is too few"):
        assert told(message, run) == message
    (run / "provenance.json").write_text("{")
    assert told("there is nothing at data/pack", run) == "there is nothing at data/pack"
    assert told("there is nothing at data/pack", run.parent) == "there is nothing at data/pack"
