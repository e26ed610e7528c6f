"""`railyard review`: listens, tells its address, answers until a signal, drains.

uvicorn runs with its signal handlers off: it would raise a signal again after its shutdown, and a drained server ends
with exit code 0.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from railyard.board.review import made
from railyard.board.review.app import Reviewer, make_app
from railyard.board.review.config import ROOT
from railyard.board.review.guard import Rules
from railyard.board.review.sessions import Catalogue, Find, in_root, of_pool, one
from railyard.core.errors import UserError
from railyard.core.serving import Token, announce, asked_to_stop

if TYPE_CHECKING:
    from railyard.board.review.config import Review

log = logging.getLogger(__name__)
BACKLOG = 128


class Server(uvicorn.Server):
    """uvicorn without its hands on signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(knobs: "Review", folder: Path) -> dict[str, Any]:
    """Serves until a signal; what was answered."""
    start = time.monotonic()
    made.begin()
    token = None if knobs.token_file is None else Token.read(knobs.token_file)
    catalogue = Catalogue(finder(knobs))
    check(catalogue, knobs)
    reviewer = Reviewer(catalogue, knobs, Rules.of_listener(knobs.host, knobs.hosts, knobs.origins, token))
    with listening(knobs.host, knobs.port) as listener:
        address = f"http://{_shown(knobs.host)}:{listener.getsockname()[1]}"
        app = make_app(reviewer)

        def ready() -> None:
            announce(folder, address)
            if knobs.analysis:
                reviewer.warming.begin()

        with reviewer.closing:
            reviewer.closing.callback(reviewer.warming.end)
            asyncio.run(_serve(app, listener, knobs.drain_s, ready))
    return {"address": address, "seconds": round(time.monotonic() - start, 1)}


async def _serve(app: Any, listener: socket.socket, drain_s: float, ready: Callable[[], None]) -> None:
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=round(drain_s) or 1, server_header=False
    )
    server = Server(config)
    with asked_to_stop(lambda: None) as stop:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not running.done():
            await asyncio.sleep(0.005)
        ready()
        log.info("SERVING")
        await asyncio.wait([running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        made.leave()
        server.should_exit = True
        await running


def finder(knobs: "Review") -> Find:
    """How the sessions that the keys name are found."""
    if knobs.session is not None:
        return one(knobs.session, knobs.tokenizer)
    if knobs.pool is not None:
        given = knobs.annotations
        folders = given if isinstance(given, list) else [given] if given else []
        return of_pool(knobs.pool, folders, knobs.tokenizer)
    return in_root(knobs.root or ROOT, knobs.tokenizer)


def check(catalogue: Catalogue, knobs: "Review") -> None:
    """UserError where there is nothing to show, or where what is named cannot be opened."""
    if not (found := catalogue.places()):
        root = knobs.root or ROOT
        raise UserError(f"{root} holds no session: make one with railyard annotate out={root}, or give session=FOLDER")
    if knobs.root is None and (knobs.session or knobs.pool):
        for session_id in found:
            catalogue.open(session_id)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. UserError where nobody can."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        return _bound(family, kind, place)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise UserError(
            f"cannot listen at {_shown(host)}:{port}: {reason}; give another port=, or port=0 for a free one"
        ) from fault


def _bound(family: int, kind: int, place: Any) -> socket.socket:
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
