"""`railyard serve`: listens, loads a model, warms it, answers until a signal, drains.

The address is printed before anything else and kept in address.txt of the run folder, where log.txt, provenance.json
and, if none was given, the socket lie as well.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from railyard.board.inference.server.batcher import Limits
from railyard.board.inference.server.credentials import tls_credentials
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.server import Given, Server
from railyard.board.inference.server.sockets import socket_path
from railyard.board.model.answers import ModelFacts, Wanted
from railyard.core.progress import Ticker, progress
from railyard.core.runs.provenance import provenance
from railyard.core.serving import Token, announce, asked_to_stop, uncollected
from railyard.core.store import durable

if TYPE_CHECKING:
    from railyard.board.inference.server.config import Serve
    from railyard.board.model.inference import AnsweringModel

log = logging.getLogger(__name__)

LINE_SECONDS = 60.0  # between lines about what was answered


def serve(knobs: "Serve", folder: Path, command: list[str]) -> dict[str, Any]:
    """Serves until a signal; what was answered."""
    if knobs.tcp is not None:
        return asyncio.run(_serve(knobs, folder, command, knobs.tcp, lambda: None))
    with socket_path(knobs.uds, folder) as path:
        return asyncio.run(_serve(knobs, folder, command, f"unix:{path}", lambda: path.unlink(missing_ok=True)))


async def _serve(
    knobs: "Serve", folder: Path, command: list[str], address: str, leave: Callable[[], None]
) -> dict[str, Any]:
    start = time.monotonic()
    token = None if knobs.token_file is None else Token.read(knobs.token_file)
    credentials = None
    if knobs.tls_cert is not None and knobs.tls_key is not None:
        credentials = tls_credentials(knobs.tls_cert, knobs.tls_key, knobs.tls_client_ca)
    server = Server(address, credentials)
    announce(folder, server.address)
    with (
        asked_to_stop(leave) as stop,
        _figures(knobs) as figures,
        progress("serve", None, "boards", LINE_SECONDS) as tick,
    ):
        model, facts = await asyncio.to_thread(_load, knobs)
        made = provenance(command, model_hash=facts.model_hash, tokenizer_hash=facts.tokenizer_hash)
        durable.write_json(folder / "provenance.json", made)
        limits = Limits(
            tuple(knobs.buckets), knobs.max_batch or knobs.buckets[-1], knobs.max_delay_us / 1e6, knobs.queue
        )
        given = Given(model.answer, facts, limits, figures, knobs.value_dtype, token, knobs.reflection)
        with uncollected():
            running = await server.start(given)
            log.info("SERVING after %.1f s", time.monotonic() - start)
            telling = asyncio.create_task(_tell(figures, tick))
            await asyncio.wait([running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            telling.cancel()
            await server.drain(knobs.drain_s)
            await running  # raises the defect that ended it, if one did
        log.info("answered %d requests, %d boards", figures.requests, figures.boards)
    numbers = {"requests": figures.requests, "boards": figures.boards, "passes": figures.passes}
    return {"address": server.address, **numbers, "seconds": round(time.monotonic() - start, 1)}


def _load(knobs: "Serve") -> "tuple[AnsweringModel, ModelFacts]":
    """The model, warm: a first pass of a bucket compiles, records or allocates."""
    from railyard.board.model.inference import AnsweringModel, facts_of
    from railyard.board.model.init_folder import read_init
    from railyard.core.training.devices import pick

    device = pick(knobs.device)
    encoder, _ = read_init(knobs.init)
    facts = facts_of(encoder, knobs.init)
    model = AnsweringModel(encoder, device, knobs.precision, knobs.compiled, knobs.graphs)
    # plain passes on the CPU have nothing to prepare for each size
    for rows in knobs.buckets if knobs.compiled or not device.startswith("cpu") else knobs.buckets[:1]:
        model.answer(np.zeros((rows, 16), np.uint8), rows, Wanted(True, True, True, True))
    log.info("model %s on %s, %s", facts.model_hash[:12], device, knobs.precision)
    return model, facts


@contextmanager
def _figures(knobs: "Serve") -> Iterator[Figures]:
    figures = Figures(tuple(knobs.buckets))
    if knobs.metrics is None:
        yield figures
        return
    address, stop = figures.expose(knobs.metrics)
    log.info("metrics: http://%s/metrics", address)
    try:
        yield figures
    finally:
        stop()


async def _tell(figures: Figures, tick: Ticker) -> None:
    told = 0
    while True:
        await asyncio.sleep(1)
        if figures.boards != told:
            told = figures.boards
            tick(told, f"{figures.requests:,} requests")
