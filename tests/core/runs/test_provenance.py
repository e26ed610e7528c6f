"""What made a run."""

import subprocess

from railyard.core.runs.provenance import _own_checkout, provenance, read
from railyard.core.store import durable


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
    assert _own_checkout() == {"git_commit": None, "git_dirty": None}


def git(folder, *words):
    user = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *user, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_own_code_leaves_a_trace(work):
    (work / "mine.py").write_text("import json\nfrom helper import f\nclass A:\n    pass\n")
    (work / "helper.py").write_text("f = 1\n")
    facts = provenance(["railyard", "train"], allow=["mine.A"])
    assert facts["own_code"] == {
        "modules": {name: durable.sha256_of(work / f"{name}.py") for name in ("helper", "mine")},
        "git_commit": None,
        "git_dirty": None,
    }
    assert facts["working_folder"] == str(work)
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "mine")
    found = provenance([])["own_code"]
    assert found == {"modules": {}, "git_commit": git(work, "rev-parse", "HEAD"), "git_dirty": False}
    (work / "helper.py").write_text("f = 2\n")
    assert provenance([])["own_code"]["git_dirty"] is True
    durable.write_json(work / "provenance.json", facts)
    assert read(work) == facts | {"schema_version": read(work)["schema_version"]}
