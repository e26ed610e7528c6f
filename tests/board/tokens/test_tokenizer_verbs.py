"""The tokenizer verbs from the command line, for files of both versions."""

import json
from pathlib import Path

import numpy as np
from version1 import DOCUMENT

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
PACK, FILE = FIXTURES / "03_pack", FIXTURES / "04_tokenizer_v2_8.json"


def test_show_with_plots(railyard, work):
    done = railyard("show", f"path={FILE}", "out=about", "json=true")
    assert json.loads((work / "about" / "facts.json").read_text()) == done.json
    assert {"edges_search.png", "edges_tuples.png", "classes.png"} <= {path.name for path in (work / "about").iterdir()}


def test_show_is_short(railyard):
    done = railyard("show", f"path={FILE}")
    assert done.code == 0
    assert len(done.out.splitlines()) < 40


def test_a_file_of_version_1_is_shown_and_applied(railyard, work):
    (work / "old.json").write_text(json.dumps(DOCUMENT))
    assert railyard("show", "path=old.json", "json=true").json["version"] == 1
    done = railyard("tokenize", "tokenizer=old.json", f"pack={PACK}", "out=tokens.npy", "json=true")
    tokens = np.load(work / "tokens.npy")
    assert list(done.json["classes"].values()) == np.bincount(tokens.ravel(), minlength=5).tolist()
    assert ((tokens == 4).sum(axis=1) == 1).all()


def test_the_policy_is_checked_and_hinted(railyard):
    done = railyard("tokenizer", f"pack={PACK}", "out=t.json", "illegal_policy=illegl")
    assert done.code == 2
    assert "illegal_policy" in done.err
    assert "did you mean 'illegal'?" in done.err


def test_neither_verb_writes_over_a_file_made_of_other_data(railyard, work):
    fit, apply = (f"pack={PACK}", "out=t.json", "bins=4"), (f"tokenizer={FILE}", f"pack={PACK}", "out=t.npy")
    for verb, words, other in (("tokenizer", fit, "bins=5"), ("tokenize", apply, "tokenizer=t.json")):
        file = work / words[1 if verb == "tokenizer" else 2].removeprefix("out=")
        assert railyard(verb, *words).code == 0
        before = file.read_bytes()
        assert railyard(verb, *words).code == 0, "the same call again"
        done = railyard(verb, *words, other)
        assert (done.code, file.read_bytes() == before) == (2, True)
        assert f"{file.name} exists and is not th" in done.err
        assert "choose another out=, or delete it first" in done.err
