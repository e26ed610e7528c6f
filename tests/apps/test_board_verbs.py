"""`pack`, `tokenizer` and `tokenize` from the command line, and `show` of what they made."""

import json

import numpy as np
import pytest
import yaml


@pytest.fixture
def made(railyard, tiny_logs, work):
    """A pack, a tokenizer and tokens made in the working directory."""
    done = [
        railyard("pack", f"source={tiny_logs}", "out=pack", "json=true"),
        railyard("tokenizer", "pack=pack", "out=tokenizer.json", "bins=4", "json=true"),
        railyard("tokenize", "tokenizer=tokenizer.json", "pack=pack", "out=tokens.npy", "json=true"),
    ]
    assert [d.code for d in done] == [0, 0, 0], [d.err for d in done]
    return done


def test_each_verb_reports_what_it_made(made, work):
    pack, tokenizer, tokens = (done.json for done in made)
    assert pack["out"] == "pack"
    assert tokenizer["num_bins"] == 4
    assert tokens["rows"] == 1200
    assert np.load(work / "tokens.npy").shape == (1200, 4)


def test_show_a_pack(made, railyard):
    facts = railyard("show", "path=pack", "json=true").json
    assert (facts["kind"], facts["rows"], facts["runs"]) == ("pack", 1200, 3)
    people = railyard("show", "path=pack").out
    assert yaml.safe_load(people)["fingerprint"] == facts["fingerprint"]


def test_show_a_tokenizer_and_write_what_is_shown(made, railyard, work):
    facts = railyard("show", "path=tokenizer.json", "out=facts.json", "json=true").json
    assert (facts["kind"], facts["num_bins"]) == ("tokenizer", 4)
    assert json.loads((work / "facts.json").read_text()) == facts


def test_a_damaged_pack_is_named(made, railyard, work):
    with next((work / "pack").glob("steps*.npy")).open("r+b") as file:
        file.truncate(1000)
    done = railyard("show", "path=pack")
    assert (done.code, done.out) == (1, "")
    assert "steps" in done.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["pack", "source=nowhere", "out=x"], "nowhere"),
        (["pack", "out=x"], "source: a value is required here"),
        (["pack", "source=a", "out=b", "on_error=sto"], "did you mean 'stop'?"),
        (["pack", "source=a", "out=b", "shard_rows=0"], "must be greater than or equal to 1, got 0"),
        (["tokenizer", "pack=nowhere", "out=t.json"], "nowhere"),
        (["tokenize", "tokenizer=nowhere.json", "pack=p", "out=t.npy"], "nowhere.json"),
        (["tokenize", "tokenizer=t", "pack=p", "out=t.txt"], "must end in .npy"),
    ],
)
def test_mistakes(railyard, words, reason):
    done = railyard(*words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
