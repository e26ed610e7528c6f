"""The review server over a session of 50 million steps in 100,000 runs: opened, pages, series, lines, memory.

Files have their real formats and names; rows, annotations and bins are sparse files, so that they take no room on a
disk, but for one run of 30,000 steps. Times are of the application without a network, in CPU time; the first answer of
the command is in seconds of the clock, with this machine's other work in it.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np

from benchmarks.anonymous import now_kib
from benchmarks.figure import Figure
from benchmarks.yardstick import cpu_seconds
from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import COLUMNS
from railyard.board.packs.annotations import ANNOTATION, KINDS, student_dtype
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.schema import STEP
from railyard.core.store.npy import header

ROWS, SHARD, RUNS, LONG, BINS = 50_000_000, 1_000_000, 100_000, 30_000, 35
REPEATS, REQUESTS = 60, 10_000
PAGE_MS, OPEN_S, FIRST_S, LINES, MEMORY = 50.0, 0.5, 3.0, 20_000.0, 300.0
STATS = (
    "total_disagreements",
    "argmax_disagreements",
    "ev_disagreements",
    "mean_logit_gap",
    "mean_entropy",
    "mean_ev_loss",
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as name:
        session = make_session(Path(name))
        with _client(session) as (client, opened):
            pages = [_page(client, *about) for about in _pages(client)]
            return [opened, _first_answer(session), *pages, _lines(client), _memory(client)]


def make_session(folder: Path) -> Path:
    """A session and its pool below a folder; run 0 has LONG steps, the others share the rest."""
    pool, session = folder / "pool", folder / "annotations" / "pool" / "model=bench" / "2026-01-01T00-00-00Z"
    pool.mkdir()
    (session / "columns").mkdir(parents=True)
    counts = np.full(RUNS, (ROWS - LONG) // (RUNS - 1))
    counts[0] = LONG
    counts[-1] += ROWS - counts.sum()
    _runs(pool / "metadata.db", counts, None)
    _runs(session / "metadata.db", counts, np.random.default_rng(0))
    (pool / "valuation_types.json").write_text('{"search": 0, "tuple11": 1, "tuple10": 2}')
    families = {"annotations": ANNOTATION, "annotations-student": student_dtype(BINS)}
    columns = {f"columns/{name}": np.dtype("<f4") for name in COLUMNS}
    for number in range(ROWS // SHARD):
        _sparse(pool / f"steps-{number:05d}.npy", STEP)
        for stem, dtype in {**families, **columns}.items():
            _sparse(session / f"{stem}-{number:05d}.npy", dtype)
    _real_run(pool, session)
    _documents(pool, session)
    return session


def _runs(path: Path, counts: Any, draws: Any) -> None:
    scores = np.random.default_rng(1).integers(1000, 400_000, len(counts)).tolist()
    with runs_writer(path) as writer:
        for run, (count, score) in enumerate(zip(counts.tolist(), scores, strict=True)):
            writer.add(Run(run, run, count, score, 1 << 11 + score % 5))
    if draws is not None:
        with closing(sqlite3.connect(path)) as database, database:
            names = ", ".join(f"{name} REAL" for name in STATS)
            database.execute(
                f"CREATE TABLE annotation_stats (run_id INTEGER PRIMARY KEY, total_steps INTEGER, {names})"
            )
            rows = [(run, count, *draws.random(len(STATS)).tolist()) for run, count in enumerate(counts.tolist())]
            database.executemany(f"INSERT INTO annotation_stats VALUES ({', '.join('?' * (2 + len(STATS)))})", rows)


def _sparse(path: Path, dtype: np.dtype[Any]) -> None:
    head = header(dtype, SHARD)
    path.write_bytes(head)
    os.truncate(path, len(head) + SHARD * dtype.itemsize)


def _real_run(pool: Path, session: Path) -> None:
    """Run 0 in the first shard of each family."""
    draws = np.random.default_rng(2)
    steps = np.zeros(LONG, STEP)
    steps["step_index"], steps["board"] = np.arange(LONG), draws.integers(0, 2**63, LONG).astype(np.uint64)
    steps["ev_legal"], steps["branch_evs"] = 15, draws.random((LONG, 4)) - 0.5
    said = np.zeros(LONG, ANNOTATION)
    said["step_index"], said["policy_p1"] = np.arange(LONG), draws.random((LONG, 4))
    said["policy_logp"], said["argmax_head"] = np.log(said["policy_p1"]), said["policy_p1"].argmax(axis=1)
    bins = draws.random((LONG, 4, BINS), np.float32)
    parts = {pool / "steps": steps, session / "annotations": said, session / "annotations-student": bins}
    parts |= {session / "columns" / name: draws.random(LONG, np.float32) for name in COLUMNS}
    for stem, rows in parts.items():
        path = Path(f"{stem}-00000.npy")
        mapped = np.load(path, mmap_mode="r+")
        mapped[:LONG] = rows
        mapped.flush()


def _documents(pool: Path, session: Path) -> None:
    source = {
        "id": "pool~bench~1",
        "pool": str(pool),
        "pool_type": "macroxue",
        "pool_fingerprint": AnnotationPool.of_headers(pool).fingerprint(),
        "created_at": "2026-01-01T00:00:00+00:00",
        "rows": ROWS,
        "products": [{"name": "annotations"}, {"name": "student_bins"}, {"name": "metrics"}],
    }
    runs = [{"run_id": run, "policy_kind_mask": 15} for run in range(RUNS)]
    manifest = {"kinds": KINDS, "runs": runs, "student_bins": {"dtype": "f32", "num_bins": BINS}}
    (session / "source.json").write_text(json.dumps(source))
    (session / "schema.json").write_text("{}")
    (session / "annotation_manifest.json").write_text(json.dumps(manifest))


@contextmanager
def _client(session: Path) -> Iterator[tuple[Any, Figure]]:
    from starlette.testclient import TestClient

    from railyard.board.review.app import Reviewer, make_app
    from railyard.board.review.config import Review
    from railyard.board.review.sessions import Catalogue, one

    def opened() -> None:
        Catalogue(one(session)).newest()

    middle, _ = cpu_seconds(opened, 5)
    figure = _limited("review, a session of 50M steps opened", middle, "s of CPU time", OPEN_S)
    with TestClient(make_app(Reviewer(Catalogue(one(session)), Review())), base_url="http://localhost") as client:
        yield client, figure


def _pages(client: Any) -> Iterator[tuple[str, str]]:
    session = client.get("/sessions").json()["sessions"][0]["id"]
    root = f"/sessions/{session}/runs"
    yield "page of 200 steps with bins", f"{root}/0/steps?limit=200&offset=9000"
    yield "page of 200 steps with bins, the reference's", "/runs/0?limit=200&offset=9000"
    for sort in ("max_score", "-mean_entropy", "disagreement_rate", "-seed"):
        yield f"page of runs by {sort}", f"{root}?sort={sort}&page=7"
    yield "page of runs, the reference's", "/runs?page=7&sort=steps_asc"
    yield "series of 30,000 steps, three metrics", f"{root}/0/series?metrics=logit_gap,entropy,ev_loss"


def _page(client: Any, name: str, path: str) -> Figure:
    def ask() -> None:
        assert client.get(path).status_code == 200

    middle, late = cpu_seconds(ask, REPEATS)
    figure = _limited(f"review, {name}, p95", 1000 * late, "ms of CPU time", PAGE_MS)
    return Figure(**{**vars(figure), "note": f"median {1000 * middle:.1f} ms, with the test client's own work"})


def _lines(client: Any) -> Figure:
    def ask() -> None:
        found = client.get("/runs/0?bins=false", headers={"accept": "application/x-ndjson"})
        assert found.text.count("\n") == LONG + 2

    middle, _ = cpu_seconds(ask, 5)
    rate = LONG / middle
    return Figure(
        "review, lines of 30,000 steps without bins",
        rate,
        "steps/s of CPU time",
        f">= {LINES:,.0f}",
        rate >= LINES,
        "",
        None,
    )


def _first_answer(session: Path) -> Figure:
    """From the command to its first answer, by the clock."""
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as work:
        start = time.monotonic()
        command = [sys.executable, "-m", "railyard.cli", "review", f"session={session}", "port=0"]
        with subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _asked(Path(work))
                seconds = time.monotonic() - start
            finally:
                process.terminate()
    return _limited("review, from the command to the first answer", seconds, "s", FIRST_S)


def _asked(work: Path) -> None:
    while True:
        for file in work.glob("outputs/review/board/*/address.txt"):
            try:
                with urlopen(f"{file.read_text().strip()}/runs"):
                    return
            except (URLError, ValueError):
                break
        time.sleep(0.01)


def _memory(client: Any) -> Figure:
    """Of this process, which made the session and holds the test client as well."""
    session = client.get("/sessions").json()["sessions"][0]["id"]
    root, draws = f"/sessions/{session}/runs", np.random.default_rng(3)
    half = 0
    for number in range(REQUESTS):
        run, offset = int(draws.integers(0, RUNS)), int(draws.integers(0, LONG))
        paths = (
            f"{root}/0/steps?limit=50&offset={offset}",
            f"{root}/0/steps?limit=200&bins=false&offset={offset // 2}",
            f"{root}?page={run % 4000 + 1}&sort=-mean_entropy",
            f"{root}/{run}/series?metrics=entropy,ev_loss",
            f"/runs?page={run % 4000 + 1}",
        )
        assert client.get(paths[number % len(paths)]).status_code == 200
        if number == REQUESTS // 2:
            half = now_kib(os.getpid())
    end = now_kib(os.getpid())
    is_met = end / 2**10 <= MEMORY and abs(end - half) <= 0.05 * half
    note = f"{(end - half) / half:+.1%} over the last {REQUESTS // 2:,}"
    return Figure(
        "review, anonymous memory after 10,000 requests",
        end / 2**10,
        "MB",
        f"<= {MEMORY:g}, flat",
        is_met,
        "",
        None,
        note,
    )


def _limited(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, f"<= {limit:g}", value <= limit, "", None)
