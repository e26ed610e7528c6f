"""Inference through a server on this machine: saturation, bulk, single boards, latency at half load, overload.

Client and server share the cores, each in a process of its own. Latency and overload are measured with a pass that
sleeps, so that what is added to the pass is seen; throughput with a network of the shipped model's size. Windows are
two seconds long, as long as three agree to 10 %, and ten at the most: the note says where they did not.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import railyard
from benchmarks.figure import Figure
from railyard.board.inference.load.config import Load
from railyard.board.inference.load.job import measured
from railyard.board.inference.load.windows import AGREEING, agree, joined
from railyard.board.model.answers import Wanted
from railyard.core.serving import uncollected

SERVER = Path(__file__).with_name("inference_server.py")
WINDOW = 2.0  # seconds
REQUEST, ROUNDS = 1024, 15  # boards, passes of which the median is taken
Found = dict[str, Any]
# the server finds Railyard where this process did
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(railyard.__file__).parents[1])}


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        return [*_saturation(Path(folder)), *_bulk(), _singles(), *_half_load(), *_overload()]


@contextmanager
def _served(kind: str, max_batch: int, queue: int = 1 << 17) -> Iterator[tuple[str, str]]:
    """A running server: its address, and that of its metrics."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(SERVER), f"{folder}/s", kind, str(max_batch), str(queue)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        assert process.stdin
        assert process.stdout
        try:
            metrics = process.stdout.readline().strip()
            assert metrics, "the server did not start"
            yield f"unix:{folder}/s", metrics
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()


def _loaded(server: tuple[str, str], **knobs: Any) -> Found:
    address, metrics = server
    load = Load(address=address, metrics=metrics, window_s=WINDOW, most_windows=10, **knobs)
    with uncollected():
        windows, _ = asyncio.run(measured(load))
    return {**joined(windows[-AGREEING:]).figures(), "steady": agree(windows), "windows": len(windows)}


def _said(found: Found) -> str:
    steady = "" if found["steady"] else f"no three of {found['windows']} windows agree; "
    return f"{steady}{found['boards_per_second']:,.0f} boards/s, rows of a pass {found.get('rows_of_a_pass', 0):,.0f}"


def _at_least(name: str, value: float, target: float, alternative: str, note: str) -> Figure:
    return Figure(name, value, "of it", f">= {target:g}", value >= target, alternative, value, note)


def _saturation(folder: Path) -> list[Figure]:
    """A network of the shipped model's size, before and after against its bare passes."""
    from railyard.board.inference.client.blocking import Blocking
    from railyard.board.inference.client.local import LocalClient
    from railyard.board.model.config import Encoder
    from railyard.board.model.encoder import BoardEncoder
    from railyard.board.model.inference import AnsweringModel
    from railyard.board.model.init_folder import read_init, write_init

    size = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 256}
    write_init(folder / "init", BoardEncoder(Encoder(output_n_bins=35, num_key_value_heads=None, **size)), None)
    bare = AnsweringModel(read_init(folder / "init")[0], "cpu")
    boards = np.random.default_rng(0).integers(0, 12, (REQUEST, 16)).astype(np.uint8)
    with Blocking(lambda: LocalClient.open(folder / "init", "cpu", REQUEST)) as client:
        pairs = [
            (_seconds(lambda: bare.answer(boards, REQUEST, Wanted())), _seconds(lambda: client.ask(boards, Wanted())))
            for _ in range(ROUNDS)
        ]
    alone, asked = (median(column) for column in zip(*pairs, strict=True))
    with _served(str(folder / "init"), REQUEST) as server:
        found = _loaded(server, boards=REQUEST, clients=4)
    after = median(_seconds(lambda: bare.answer(boards, REQUEST, Wanted())) for _ in range(ROUNDS))
    through = found["boards_per_second"] * min(alone, after) / REQUEST
    is_calm = abs(after - alone) <= 0.1 * alone and found["steady"]
    busy = found["boards_per_second"] * found["compute_ms"] / 1000 / found["rows_of_a_pass"]
    said = (
        f"{_said(found)}; bare {REQUEST / alone:,.0f} boards/s before and {REQUEST / after:,.0f} after; a pass ran "
        f"{busy:.1%} of the time; the client took {found['client_cores']:.2f} cores"
    )
    name = "boards/s through a server, requests of 1,024"
    met = through >= 0.95 if is_calm else None
    return [
        _at_least("boards/s in process, requests of 1,024", alone / asked, 0.98, "bare passes of 1,024, in turns", ""),
        Figure(name, through, "of it", ">= 0.95", met, "bare passes of 1,024", through, said),
    ]


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _bulk() -> list[Figure]:
    figures = []
    for ask, target in (("argmax", 3.0), ("probs", 1.0)):
        with _served("instant", 4096) as server:
            found = _loaded(server, boards=4096, clients=4, stream=True, ask=ask)
        rate = found["boards_per_second"] / 1e6
        note = f"{_said(found)}; the client took {found['client_cores']:.2f} cores"
        name, limit = f"bulk boards of 4,096, {ask}", f">= {target:g}"
        figures.append(Figure(name, rate, "M boards/s", limit, rate >= target, "", None, note))
    return figures


def _singles() -> Figure:
    found = []
    for max_batch in (256, 1):
        with _served("sleeping", max_batch) as server:
            found.append(_loaded(server, boards=1, clients=256 if max_batch > 1 else 8, ask="argmax"))
    many, one = (each["requests_per_second"] for each in found)
    note = f"{many:,.0f} and {one:,.0f} requests/s, rows of a pass {found[0].get('rows_of_a_pass', 0):,.0f}"
    name = "single boards from 256 clients, sleeping pass"
    return Figure(name, many / one, "times", ">= 5", many >= 5 * one, "one request a pass", many / one, note)


def _half_load() -> list[Figure]:
    """Requests of 64 at half of what the closed loop reaches; what they wait beyond the pass itself."""
    with _served("sleeping", 64) as server:
        peak = _loaded(server, boards=64, clients=16, ask="argmax")["requests_per_second"]
        found = _loaded(server, boards=64, mode="open", rate=peak / 2, spacing="even", ask="argmax")
    pass_ms, queue = found["compute_ms"], found["queue_ms"]
    note = f"at {peak / 2:,.0f} requests/s; a pass {pass_ms:.2f} ms, mean wait for one {queue:.2f} ms"
    figures = []
    for key, limit in (("p50_ms", 1.0), ("p99_ms", 5.0)):
        added = found[key] - pass_ms
        name = f"added to the pass at half load, {key[:3]}"
        figures.append(Figure(name, added, "ms", f"<= {limit:g}", added <= limit, "the pass itself", None, note))
    return figures


def _overload() -> list[Figure]:
    figures = []
    with _served("sleeping", 64, queue=4096) as server:
        peak = _loaded(server, boards=64, clients=16, ask="argmax")["boards_per_second"]
        for times in (2, 10):
            found = _loaded(server, boards=64, mode="open", rate=times * peak / 64, ask="argmax")
            refused = found["refused_p99_ms"] or 0.0
            kept = found["boards_per_second"] / peak
            note = (
                f"{_said(found)}; refused {found['refused_per_second']:,.0f}/s, p99 of refusals {refused:.1f} ms, "
                f"queued boards {found.get('queued_boards', 0):,.0f} at most; {dict(found['failed'])}"
            )
            name = f"goodput at {times} times what it can, requests of 64"
            figures.append(_at_least(name, kept, 0.95, "the closed loop's peak", note))
    return figures
