"""The viewer in Chromium over a run of 30,000 steps in a session of 100,000 runs: first paint, keys, jumps, scrubbing.

Keys, jumps and frames are told in CPU time of the page's main thread, which other programs cannot change; what the
clock said stands beside them. The first paint is the best of several, by the clock.
"""

import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.review_pages import LONG, make_session

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

PAINT_MS, KEY_MS, JUMP_MS, FRAME_MS = 1000.0, 16.0, 100.0, 50.0
LOADS, KEYS, JUMPS, SECONDS = 5, 100, 40, 5.0
PATIENCE = 300_000  # ms
MAIN, TASK = "CrRendererMain", "ThreadControllerImpl::RunTask"
# resolves with the milliseconds until the step and its table stand in the document
PRESS = """async (key) => {
  const output = document.querySelector("output"), start = performance.now();
  const moved = new Promise((done) => new MutationObserver((_, seen) => { seen.disconnect(); done(); })
    .observe(output, { subtree: true, characterData: true, childList: true }));
  dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await moved;
  while (!document.querySelector("table")) await new Promise((again) => setTimeout(again, 1));
  return performance.now() - start;
}"""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as name:
        session = make_session(Path(name))
        _make_mistakes(session)
        with _page(session, Path(name)) as (page, address):
            paint = _first_paint(page, address)
            page.wait_for_timeout(1000)
            return [
                paint,
                _keys(page, "l", KEYS, "a key to its step", KEY_MS),
                _keys(page, "m", JUMPS, f"to the next mistake in {LONG:,} steps", JUMP_MS),
                _longest(page, "scrubbing, the longest task", _scrub),
                _longest(page, "100,000 runs at the side, the longest task", _turn_pages),
            ]


def _make_mistakes(session: Path) -> None:
    """Of run 0: one step in 60 is a blunder, so that every few jumps leave the window."""
    draws = np.random.default_rng(3)
    for name, values in {"ev_loss": np.where(draws.random(LONG) < 1 / 60, 900.0, 0.0), "max_rank": 11.0}.items():
        column = np.load(session / "columns" / f"{name}-00000.npy", mmap_mode="r+")
        column[:LONG] = values
        column.flush()


@contextmanager
def _page(session: Path, work: Path) -> Iterator[tuple[Any, str]]:
    from browsing import CHROMIUM, SIZES, Server
    from playwright.sync_api import sync_playwright

    server = Server([f"session={session}"], work)
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            width, height = SIZES["wide"]
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(PATIENCE)
            yield page, server.address
            browser.close()
    finally:
        server.kill()


def _first_paint(page: Any, address: str) -> Figure:
    paints, steps = [], []
    for _ in range(LOADS):
        page.goto(f"{address}/view/review/pool~bench~1?run=0&step=500")
        page.locator("table").wait_for()
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        steps.append(page.evaluate("performance.now()"))
    return _figure("first paint", min(paints), PAINT_MS, f"of {LOADS}; the step is there after {min(steps):,.0f} ms")


def _keys(page: Any, key: str, count: int, name: str, limit: float) -> Figure:
    page.keyboard.press("Home")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    before = busy()
    waits = [page.evaluate(PRESS, key) for _ in range(count)]
    spent = 1000 * (busy() - before) / count
    devtools.detach()
    return _figure(name, spent, limit, f"by the clock median {statistics.median(waits):.0f}, most {max(waits):.0f} ms")


def _longest(page: Any, name: str, work: Callable[[Any], None]) -> Figure:
    page.context.browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline", "__metadata"])
    work(page)
    events = json.loads(page.context.browser.stop_tracing())["traceEvents"]
    mains = {(event["pid"], event["tid"]) for event in events if event.get("args", {}).get("name") == MAIN}
    tasks = [event for event in events if event["name"] == TASK and (event["pid"], event["tid"]) in mains]
    clock = sum(event.get("dur", 0) > 1000 * FRAME_MS for event in tasks)
    longest = max(event.get("tdur", 0) for event in tasks) / 1000
    note = f"{len(tasks):,} tasks in {SECONDS:.0f} s, {clock} of more than {FRAME_MS:.0f} ms by the clock"
    return _figure(name, longest, FRAME_MS, note)


def _scrub(page: Any) -> None:
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 40)
    page.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < SECONDS:
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.48 * math.sin(2.4 * passed)), box["y"] + 40)
    page.mouse.up()


def _turn_pages(page: Any) -> None:
    page.get_by_label("Runs on a page").select_option("250")
    runs = page.get_by_role("complementary", name="Runs").get_by_role("list")
    box = runs.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 100)
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(16)
    page.get_by_label("Next page").click()
    runs.get_by_role("link").first.wait_for()


def _figure(name: str, value: float, limit: float, note: str) -> Figure:
    return Figure(f"viewer: {name}", value, "ms", f"<= {limit:g} ms", value <= limit, "", None, note)
