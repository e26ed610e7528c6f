"""A browser on a real server: `railyard review` over a root with two models on one pool of teacher rows, and a
self-play pool. Pages that write an error to the console, or ask another host, fail their test.

Without Chromium these tests skip, but in CI, where they fail.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from browsing import CHROMIUM, SIZES, Server

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30_000  # ms: what is asked for the first time is compiled
AXE = ROOT / "ui" / "review" / "node_modules" / "axe-core" / "axe.min.js"


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


class Named(NamedTuple):
    """Ids of sessions: two models over one pool of teacher rows, one of its first 500 rows, and one over self-play."""

    one: str
    other: str
    begun: str
    selfplay: str


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    from viewed_sessions import viewed_sessions

    return viewed_sessions(tmp_path_factory.mktemp("viewer"))


@pytest.fixture(scope="session")
def server(root, tmp_path_factory) -> Iterator[Server]:
    found = Server([f"root={root}"], tmp_path_factory.mktemp("served"))
    found.start()
    yield found
    found.kill()


@pytest.fixture(scope="session")
def named(server) -> Named:
    by_tag = {session["tag"]: session["id"] for session in server.sessions()}
    return Named(*(by_tag[tag] for tag in ("first", "second", "begun", "own")))


@pytest.fixture(scope="session")
def chromium():
    if not Path(CHROMIUM).exists():
        reason = "there is no Chromium: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, server):
    """`opened(size, scheme, harmless=…)`: a page of its own. harmless: words of console errors that are meant."""
    with contextlib.ExitStack() as held:
        faults: list[str] = []

        def open_page(size="wide", scheme="light", address=None, harmless=(), **keys):
            base = address or server.address
            width, height = SIZES[size]
            context = chromium.new_context(
                base_url=base, viewport={"width": width, "height": height}, color_scheme=scheme, **keys
            )
            held.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)

            def heard(message):
                if message.type == "error" and not any(word in message.text for word in harmless):
                    faults.append(message.text)

            page.on("console", heard)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "request",
                lambda request: request.url.startswith((base, "data:", "blob:")) or faults.append(request.url),
            )
            return page

        yield open_page
        assert faults == []


@pytest.fixture
def violations():
    """`violations(page)`: what axe finds wrong, in a line each."""
    if not AXE.is_file():
        reason = "axe-core is not installed: cd ui/review && npm ci --ignore-scripts"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    source = AXE.read_text()

    def found(page) -> list[str]:
        page.evaluate(source)
        told = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in told["violations"]
            for node in one["nodes"]
        ]

    return found


@pytest.fixture
def overflow():
    """`overflow(page)`: pixels by which the document is wider than the window."""
    return lambda page: page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
