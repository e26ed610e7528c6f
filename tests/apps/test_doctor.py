"""`railyard doctor`: what is installed, what is missing and how to get it."""

import tomllib
from pathlib import Path

from railyard.apps import doctor

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_it_says_what_is_there(railyard):
    facts = railyard("doctor", "json=true").json
    assert facts["packages"]["hydra-core"] == "1.3.8"
    assert all(facts["packages"].values())
    assert any(device.startswith("cpu") for device in facts["devices"])
    assert "experiment/board/quickstart" in facts["experiments"]
    assert "logger=wandb" in facts["need a network"]


def test_it_lists_unfinished_work_of_the_folder(railyard, work):
    (work / "data" / ".pack.partial" / "0a").mkdir(parents=True)
    assert [*railyard("doctor", "json=true").json["unfinished"]] == ["data/.pack.partial/0a"]


def test_it_says_what_each_extra_is_for(railyard):
    extras = railyard("doctor", "json=true").json["extras"]
    declared = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    assert {*extras, "all", *doctor.DEVELOPERS} == {*declared}
    assert "railyard search" in extras["search"]
    assert "training.all.jsonl.zst" in extras["zstd"]


def test_what_is_missing_comes_with_its_command(railyard, monkeypatch):
    declared = [
        "numpy>=2",
        'matplotlib-not-there>=3.9; extra == "plots"',
        'numpy>=2; extra == "plots"',
        'nor-this==1 ; extra == "zstd"',
        'railyard[plots]; extra == "all"',
        'not-for-users>=8; extra == "test"',
    ]
    monkeypatch.setattr(doctor, "requires", lambda name: declared)
    assert railyard("doctor", "json=true").json["missing"] == {
        "plots": "matplotlib-not-there: pip install 'railyard[plots]'",
        "zstd": "nor-this: pip install 'railyard[zstd]'",
    }
