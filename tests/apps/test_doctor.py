"""`railyard doctor`: what is installed, what is missing and how to get it."""

from railyard.apps import doctor


def test_it_says_what_is_there(railyard):
    facts = railyard("doctor", "json=true").json
    assert facts["packages"]["hydra-core"] == "1.3.8"
    assert all(facts["packages"].values())
    assert any(device.startswith("cpu") for device in facts["devices"])
    assert "experiment/board/quickstart" in facts["experiments"]
    assert "logger=wandb" in facts["need a network"]


def test_what_is_missing_comes_with_its_command(railyard, monkeypatch):
    monkeypatch.setattr(doctor, "OPTIONAL", {"plots": ("surely-not-installed", "numpy")})
    assert railyard("doctor", "json=true").json["missing"] == {
        "plots": "surely-not-installed: pip install 'railyard[plots]'"
    }


def test_every_extra_it_names_exists():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert doctor.OPTIONAL.keys() <= project["optional-dependencies"].keys()
