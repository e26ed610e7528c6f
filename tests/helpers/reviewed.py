"""The review application over given sessions, without a network: `with reviewed(find) as client`."""

import contextlib
import tempfile
import unittest.mock
from pathlib import Path

from starlette.testclient import TestClient

from railyard.board.review import made
from railyard.board.review.app import Reviewer, make_app
from railyard.board.review.config import Review
from railyard.board.review.sessions import Catalogue, of_pool

BOARD = Path(__file__).resolve().parents[1] / "fixtures" / "board"
FOREIGN, PACK, TOKENIZER = BOARD / "15_annotations_server", BOARD / "03_pack", BOARD / "04_tokenizer_v2_8.json"


@contextlib.contextmanager
def reviewed(find, rules=None, **knobs):
    """A client of the application; `client.reviewer` is what its routers share."""
    patience = unittest.mock.patch.object(made, "WAIT_SECONDS", 600.0)  # compiling takes long on a busy machine
    reviewer = Reviewer(Catalogue(find), Review(**knobs), *([rules] if rules else []))
    asking = TestClient(make_app(reviewer), base_url="http://localhost", raise_server_exceptions=False)
    with patience, asking as client:
        client.reviewer = reviewer
        with reviewer.closing:
            yield client


@contextlib.contextmanager
def reviewed_examples():
    """The same over the reference's annotations by paths from the checkout, as docs/review.md has it."""
    root = BOARD.parents[2]
    folders = [path.relative_to(root) for path in (PACK, FOREIGN, TOKENIZER)]
    read_only = unittest.mock.patch.object(made, "may_write", return_value=False)
    with contextlib.ExitStack() as held:
        held.enter_context(contextlib.chdir(root))
        held.enter_context(read_only)
        views = Path(held.enter_context(tempfile.TemporaryDirectory()))
        yield held.enter_context(reviewed(of_pool(folders[0], [folders[1]], folders[2]), root=views))


@contextlib.contextmanager
def reference(tmp_path, monkeypatch, **knobs):
    """The reference's annotations over its pack; what is made of them goes to a temporary cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(made, "may_write", lambda folder: False)
    with reviewed(of_pool(PACK, [FOREIGN], TOKENIZER), **knobs) as client:
        yield client
