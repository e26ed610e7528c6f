"""What made a run."""

from railyard.core.runs.provenance import _git_state, provenance


def test_provenance_says_what_ran():
    facts = provenance(["railyard", "train"], 5, data={"pack": "sha"})
    assert facts["command"] == ["railyard", "train"]
    assert (facts["seed"], facts["data"]) == (5, {"pack": "sha"})
    assert len(facts["code"]["source_sha256"]) == 64
    assert facts["packages"]["hydra-core"] == "1.3.8"


def test_the_git_state_of_an_installed_package_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "railyard.core.runs.provenance.__file__", str(tmp_path / "a" / "b" / "c" / "d" / "provenance.py")
    )
    assert _git_state() == {"git_commit": None, "git_dirty": None}
