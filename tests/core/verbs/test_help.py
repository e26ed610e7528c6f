"""`railyard VERB --help` lists every key with its type, its default as configured and its reason."""

import pytest

from railyard.core.config.knobs import knobs
from railyard.core.verbs.table import verbs

FOLDERS = "paths"


@pytest.mark.parametrize("verb", verbs())
def test_every_key_is_listed_once(railyard, verb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    done = railyard(verb, "--help")
    assert (done.code, done.err) == (0, "")
    root = verbs()[verb].load()
    words = [line.split()[0] for line in done.out.splitlines() if line.startswith("  ") and line[2] != " "]
    for name in knobs(root):
        assert words.count(name) >= 1, name
    assert verbs()[verb].example in done.out
    assert all(len(line) <= 100 or "railyard" in line for line in done.out.splitlines())


def test_defaults_are_those_of_the_config(railyard):
    out = railyard("pack", "--help").out
    assert "[int|null; 1000000]" in out
    assert "[path; required]" in out
    assert "[stop|skip; stop]" in out


def test_keys_of_the_chosen_options_and_of_overrides_beside_help(railyard):
    out = railyard("train", "trainer=gpu", "data.batch_size=77", "--help").out
    assert "data.batch_size" in out
    assert "[int; 77]" in out
    assert "accelerator=gpu" in out
    assert "other keys are those of" in " ".join(out.split())
    assert "callbacks.saver.keep" in out
    assert "callbacks.saver.keep" not in railyard("train", "callbacks=none", "--help").out


def test_the_users_experiments_are_listed(railyard, work):
    (work / "conf" / "experiment").mkdir(parents=True)
    (work / "conf" / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 3\n")
    out = railyard("train", "-h").out
    assert ", mine" in " ".join(out.split())


def test_a_mistake_beside_help_is_one_sentence(railyard):
    done = railyard("train", "trainer=gpuu", "--help")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'gpu'?" in done.err
