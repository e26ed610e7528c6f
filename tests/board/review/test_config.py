"""`railyard review`: what its keys may be together, each mistake one sentence and exit code 2; what it imports."""

import socket
import subprocess
import sys

import pytest
from reviewed import FOREIGN, PACK

from railyard.board.review import config


@pytest.fixture
def refused(railyard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = railyard("review", *words)
        assert done.code == 2, done.err
        assert "Traceback" not in done.err
        return done.err

    return run


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "there is no folder annotations: make a session with railyard annotate, or give root= or session="),
        (("root=empty",), "holds no session: make one with railyard annotate out="),
        (("root=empty", "session=x"), "each say which sessions: give one of them"),
        (("session=empty",), "holds no session of railyard annotate: give the folder that holds source.json"),
        ((f"pool={PACK}",), "give annotations=FOLDER"),
        ((f"annotations={FOREIGN}",), "which pool are the annotations of? give pool=FOLDER"),
        ((f"pool={PACK}", "annotations=empty"), "holds no annotation_manifest.json"),
        (("root=empty", "host=0.0.0.0"), "0.0.0.0 can be reached from other machines: give token_file, or listen at"),
        (("root=empty", "token_file=none"), "token_file=none cannot be read"),
        (("root=empty", "origins=[localhost]"), "must be an origin, as http://localhost:5173, got 'localhost'"),
    ],
)
def test_each_mistake_is_one_sentence(refused, tmp_path, words, sentence):
    (tmp_path / "empty").mkdir()
    assert sentence in refused(*words)


def test_the_extra_is_named_where_it_is_not_installed(refused, monkeypatch):
    monkeypatch.setattr(config, "find_spec", lambda name: None if name == "fastapi" else True)
    assert "pip install 'railyard[review]'" in refused()


def test_a_port_in_use_is_named(refused, tmp_path, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = refused(f"pool={PACK}", f"annotations={FOREIGN}", f"port={port}")
    assert f"cannot listen at 127.0.0.1:{port}: address already in use; give another port=" in sentence


@pytest.mark.slow
def test_torch_is_never_imported():
    """Nor anything as heavy, by any module of review and what its answers need."""
    code = f"""
import sys
sys.path.insert(0, {str(FOREIGN.parents[2] / "helpers")!r})
from reviewed import FOREIGN, PACK, TOKENIZER, reviewed
from railyard.board.review.sessions import of_pool
import railyard.board.review.serving
with reviewed(of_pool(PACK, [FOREIGN], TOKENIZER)) as client:
    assert client.get("/runs/0?tokenize=true&limit=2").status_code == 200
    document = client.get("/openapi.json").json()
    session = client.get("/sessions").json()["sessions"][0]["id"]
    assert client.get("/sessions/" + session + "/runs/0/steps").status_code == 200
    board = [1, 1] + [0] * 14
    if "/analyze" in document["paths"]:
        assert client.post("/analyze", json={{"board": board, "depth": 1}}).status_code == 200
assert not {{"torch", "lightning", "transformers"}} & sys.modules.keys(), sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
