"""A run of `railyard load`: windows until three agree, then figures and report."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.board.inference.client.addresses import listed
from railyard.board.inference.client.connection import Connection
from railyard.board.inference.client.faults import Repeatable
from railyard.board.inference.load import report, server_figures
from railyard.board.inference.load.loops import Asker, closed, opened
from railyard.board.inference.load.windows import AGREEING, Window, agree, joined
from railyard.board.model.answers import ModelFacts, Wanted
from railyard.core.errors import UserError
from railyard.core.progress import progress
from railyard.core.runs.provenance import provenance
from railyard.core.serving import uncollected
from railyard.core.store import durable

if TYPE_CHECKING:
    from railyard.board.inference.load.config import Load

WANTED = {"argmax": Wanted(False), "probs": Wanted(), "all": Wanted(True, True, True, True)}


def load(knobs: "Load", folder: Path, command: list[str]) -> dict[str, Any]:
    """Measures the servers; figures of the windows that agreed, or of the last three, and of each window."""
    durable.write_json(folder / "provenance.json", provenance(command))
    with uncollected():  # or what this process waits for would count as the server's
        windows, facts = asyncio.run(measured(knobs))
    steady = agree(windows)
    figures = joined(windows[-AGREEING:]).figures()
    said = {
        "report": str(folder / "report.md"),
        "mode": knobs.mode,
        "windows": len(windows),
        "steady": steady,
        "model_hash": facts.model_hash,
        **figures,
    }
    report.write(folder, said, windows)
    return {**said, "by_window": [window.figures() for window in windows]}


async def measured(knobs: "Load") -> tuple[list[Window], ModelFacts]:
    """Windows until three agree, and what the first server serves. UserError where one of them does not answer."""
    connections = [Connection(address, knobs.client) for address in listed(knobs.address)]
    try:
        facts = [await _described(connection) for connection in connections]
        askers = [
            Asker(connection, each, knobs.boards, WANTED[knobs.ask], knobs.stream)
            for connection, each in zip(connections, facts, strict=True)
        ]
        return await _windows(knobs, askers), facts[0]
    finally:
        for connection in connections:
            await connection.aclose()


async def _described(connection: Connection) -> ModelFacts:
    try:
        return await connection.describe()
    except Repeatable as fault:
        raise UserError(f"nobody answers on {fault}: start a server with railyard serve") from fault


async def _windows(knobs: "Load", askers: list[Asker]) -> list[Window]:
    """Asks for as long as it takes; a failure of the loop is raised."""
    windows = [Window()]

    def current() -> Window:
        return windows[-1]

    if knobs.rate is None:
        asking = asyncio.create_task(closed(askers, knobs.clients, current))
    else:
        asking = asyncio.create_task(opened(askers, knobs.rate, current, knobs.spacing == "even"))
    try:
        with progress("load", knobs.most_windows, "windows") as tick:
            while True:
                await _fill(knobs, current(), asking)
                tick(len(windows), f"{current().boards / current().seconds:,.0f} boards/s")
                is_enough = agree(windows) or len(windows) == knobs.most_windows
                windows.append(Window())
                if is_enough:
                    return windows[:-1]  # the last one takes what is cancelled now
    finally:
        asking.cancel()
        await asyncio.wait([asking])


async def _fill(knobs: "Load", window: Window, asking: "asyncio.Task[None]") -> None:
    """Lets a window of time pass while the loop asks."""
    before = await _server(knobs)
    start, cpu = time.monotonic(), time.process_time()
    await asyncio.wait([asking], timeout=knobs.window_s)
    if asking.done():
        await _raise_first(asking)
    window.seconds, window.cpu = time.monotonic() - start, time.process_time() - cpu
    after = await _server(knobs)
    window.server = server_figures.between(before, after)


async def _server(knobs: "Load") -> server_figures.Numbers:
    return {} if knobs.metrics is None else await asyncio.to_thread(server_figures.read, knobs.metrics)


async def _raise_first(asking: "asyncio.Task[None]") -> None:
    """Raises what ended the loop: of several clients' failures the first."""
    try:
        await asking
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
