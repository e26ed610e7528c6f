"""The review application over given sessions, without a network: `with reviewed(find) as client`."""

import contextlib
from pathlib import Path

from starlette.testclient import TestClient

from railyard.board.review.app import Reviewer, make_app
from railyard.board.review.config import Review
from railyard.board.review.sessions import Catalogue, of_pool

BOARD = Path(__file__).resolve().parents[1] / "fixtures" / "board"
FOREIGN, PACK, TOKENIZER = BOARD / "15_annotations_server", BOARD / "03_pack", BOARD / "04_tokenizer_v2_8.json"


@contextlib.contextmanager
def reviewed(find, rules=None, **knobs):
    """A client of the application; `client.reviewer` is what its routers share."""
    reviewer = Reviewer(Catalogue(find), Review(**knobs))
    with TestClient(make_app(reviewer, rules), base_url="http://localhost", raise_server_exceptions=False) as client:
        client.reviewer = reviewer
        with reviewer.closing:
            yield client


@contextlib.contextmanager
def reference(tmp_path, monkeypatch, **knobs):
    """The reference's annotations over its pack; what is made of them goes to a temporary cache."""
    import os

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with reviewed(of_pool(PACK, [FOREIGN], TOKENIZER), **knobs) as client:
        yield client
