"""The verbs that fit and apply a tokenizer."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from railyard.board.tokens import registry, tokenizer
from railyard.board.tokens.config import FitTokenizer, Tokenize
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
PACK, FILE = FIXTURES / "03_pack", FIXTURES / "04_tokenizer_v2_8.json"


def test_fitting_writes_a_tokenizer_and_describes_it(tmp_path):
    out, calls = tmp_path / "tokenizer.json", []
    result = FitTokenizer(pack=PACK, out=out, bins=8).run(lambda *call: calls.append(call))
    assert MacroxueTokenizer.load(out).edges == MacroxueTokenizer.load(FILE).edges
    assert result == json.loads(json.dumps({"out": str(out), **registry.load(out).describe()}))
    assert calls[-1] == (4 * 654, 4 * 654)


def test_tokenizing_writes_the_reference_tokens(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer, "CHUNK_ROWS", 100)
    out, calls = tmp_path / "tokens.npy", []
    result = Tokenize(tokenizer=FILE, pack=PACK, out=out).run(lambda *call: calls.append(call))
    tokens, expected = np.load(out), np.load(FIXTURES / "04_tokens_v2_8_python.npy")
    assert tokens.dtype == np.uint8
    np.testing.assert_array_equal(tokens, expected)
    assert json.loads(json.dumps(result)) == {
        "out": str(out),
        "rows": 654,
        "tokenizer": MacroxueTokenizer.load(FILE).fingerprint(),
        "classes": {
            name: int((expected == token).sum()) for token, name in enumerate(MacroxueTokenizer.load(FILE).vocab_order)
        },
    }
    assert [done for done, _ in calls] == [100, 200, 300, 400, 500, 600, 654]


def test_both_policies_for_illegal_moves(tmp_path):
    tokens = {}
    for policy in ("illegal", "last_bin"):
        file, out = tmp_path / f"{policy}.json", tmp_path / f"{policy}.npy"
        FitTokenizer(pack=PACK, out=file, bins=8, illegal_policy=policy).run()
        Tokenize(tokenizer=file, pack=PACK, out=out).run()
        tokens[policy] = np.load(out)
    np.testing.assert_array_equal(tokens["last_bin"], np.load(FIXTURES / "04_tokens_v2_8_python.npy"))
    differ = tokens["illegal"] != tokens["last_bin"]
    assert set(tokens["illegal"][differ]) == {0}
    assert set(tokens["last_bin"][differ]) == {9}


def test_a_failed_run_keeps_the_older_file(tmp_path):
    out = tmp_path / "tokens.npy"
    Tokenize(tokenizer=FILE, pack=PACK, out=out).run()
    older = out.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        Tokenize(tokenizer=FILE, pack=PACK, out=out).run(interrupted)
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.npy"]
    assert out.read_bytes() == older
    Tokenize(tokenizer=FILE, pack=PACK, out=out).run()
    assert np.load(out).shape == (654, 4)


def interrupted(done, total):
    raise KeyboardInterrupt


def test_a_missing_pack_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        FitTokenizer(pack=tmp_path / "nowhere", out=tmp_path / "tokenizer.json").run()


@pytest.mark.parametrize(
    ("component", "fields", "message"),
    [
        (FitTokenizer, {"pack": "a", "out": "b", "bins": 254}, "less than or equal to 253"),
        (FitTokenizer, {"pack": "a", "out": "b", "failure_cutoff": 1}, "less than or equal to 0"),
        (FitTokenizer, {"pack": "a", "out": "b", "illegal_policy": "first"}, "'illegal' or 'last_bin'"),
        (Tokenize, {"tokenizer": "a", "pack": "b", "out": "tokens.json"}, r"must end in \.npy"),
    ],
)
def test_a_faulty_field_is_named(component, fields, message):
    with pytest.raises(ValidationError, match=message):
        component(**fields)


def test_describing_the_verbs_needs_nothing_heavy():
    code = "import sys; import railyard.board.tokens.config; sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
