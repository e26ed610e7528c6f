"""The proof `viewer`: games replayed in TypeScript, pages restored from their addresses. Needs Node and Chromium."""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VIEWER = ROOT / "ui" / "review"
VITEST = VIEWER / "node_modules" / ".bin" / "vitest"
GAMES, STATES, SEED = 10_000, 1_000, 20
A_WALK = 12  # states before another page is begun with
CALM = 0.3  # seconds without a change after which a page, and its address, is done
PATIENCE = 10.0  # seconds that a page may take to show what the other one shows

# what is shown: texts, what controls say, the hit that is chosen; not how far a list is scrolled
SHOWN = """() => {
  const main = document.querySelector("main")?.cloneNode(true);
  if (!main) return "";
  for (const frame of main.querySelectorAll("[aria-label=Hits]")) {
    frame.replaceChildren(...frame.querySelectorAll("[aria-current]"));
  }
  const controls = [...document.querySelectorAll("main input, main select, main [aria-pressed], main [aria-expanded]")];
  const boards = [...main.querySelectorAll("[role=img]")].map((board) => board.getAttribute("aria-label"));
  const said = controls.map((it) => [it.value, it.checked, it.ariaPressed, it.ariaExpanded].join());
  return [main.textContent, ...boards, ...said].join("\\n");
}"""
WHERES = (
    "",
    "disagreement=1",
    "entropy>2, run_id>=1",
    "valuation=search",
    "step_index>=300 and ev_loss>10",
    "run_id=9",
)
SORTS = ("", "entropy", "ev_loss_asc", "step_index")


def viewer() -> tuple[str, bool]:
    """replays 10,000 random games in TypeScript, and restores 1,000 states of pages from their addresses"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    _refuse_missing()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="railyard-prove-") as folder:
        games, moves = _games(Path(folder))
        print(f"games: {games}", flush=True)
        states, faults = _states(Path(folder))
    told = ", ".join(f"{count} of {page}" for page, count in sorted(states.items()))
    lines = [
        f"**{games}; {sum(states.values()) - len(faults)} of {sum(states.values())} states restored**, in "
        f"{time.monotonic() - start:.0f} s; seed {SEED}. {' '.join(faults[:3])}".rstrip(),
        f"{GAMES:,} games of random legal moves ({moves:,} moves), every other one from a made-up board with tiles up "
        "to 65536, told by seed, first board and moves. Every board, the score and the end are Python's.",
        f"States ({told}) were reached by random keys, clicks and choices; each address was opened in a browser of its "
        "own, whose page has to say the same: texts, boards, what controls say, the hit that is chosen.",
    ]
    return "\n\n".join(lines), games.startswith("0 ") and not faults


def _refuse_missing() -> None:
    from browsing import CHROMIUM

    if not VITEST.exists():
        sys.exit("prove viewer: ui/review has no packages; with Node 20.19 or newer run npm ci --ignore-scripts there")
    if not Path(CHROMIUM).exists():
        sys.exit(f"prove viewer: there is no {CHROMIUM}; install Debian's package chromium")


def _games(folder: Path) -> tuple[str, int]:
    """How many games are unequal, in words, and the moves of all."""
    from viewer_fixtures import games

    moves, file = 0, folder / "games.jsonl"
    with file.open("w") as lines:
        for game in games(GAMES, SEED):
            moves += len(game["moves"])
            lines.write(json.dumps(game) + "\n")
    words = [str(VITEST), "run", "src/game/play.test.ts"]
    done = subprocess.run(words, cwd=VIEWER, env={**os.environ, "GAMES": str(file)}, capture_output=True, text=True)
    if done.returncode == 0:
        return f"0 of {GAMES:,} games unequal", moves
    return f"games are unequal ({done.stdout[-400:]})", moves


def _states(folder: Path) -> tuple[Counter[str], list[str]]:
    """States looked at by page, and a sentence for each that was not restored."""
    from browsing import CHROMIUM, Server
    from playwright.sync_api import sync_playwright
    from viewed_sessions import viewed_sessions

    rng = random.Random(SEED)
    server = Server([f"root={viewed_sessions(folder)}", "analysis=false"], folder)
    server.start()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            walked, fresh = (chromium.new_context(base_url=server.address).new_page() for _ in range(2))
            return _walk(walked, fresh, Places(server.sessions(), rng), rng)
    finally:
        server.kill()


class Places:
    """Addresses to begin with, and what can be done there."""

    def __init__(self, sessions: list[dict[str, Any]], rng: random.Random) -> None:
        by_tag = {session["tag"]: session["id"] for session in sessions}
        self._ids, self._rng = by_tag, rng

    def begin(self) -> str:
        session = self._rng.choice(list(self._ids.values()))
        where = f"where={self._rng.choice(WHERES)}&sort={self._rng.choice(SORTS[:2])}"
        return self._rng.choice(
            (
                f"/view/review/{session}?run={self._rng.randrange(3)}",
                f"/view/review/{self._ids['first']}?where=disagreement=1",
                f"/view/search/{session}?{where}",
                f"/view/compare/{self._ids['first']}?other={self._ids['second']}",
                f"/view/practice/{self._ids['first']}",
                f"/view/board?seed={self._rng.getrandbits(64)}",
            )
        )

    def act(self, page: Any) -> None:
        """One random thing that can be done on the page."""
        kind = _kind(page.url)
        choices: dict[str, list[Callable[[], None]]] = {
            "review": [self._keys(page, "lh][mM}{tbscnp"), self._keys(page, ("Home", "End")), self._select(page)],
            "search": [self._keys(page, "nnnp"), self._click(page, "fieldset button:enabled"), self._select(page)],
            "compare": [self._keys(page, "nnp"), self._click(page, "fieldset button"), self._keys(page, "n")],
            "practice": [self._keys(page, ("ArrowUp", "ArrowLeft", " ", " ", "b"))],
            "board": [
                self._keys(page, ("ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown", "u", "i", "g")),
                self._select(page),
            ],
        }
        self._rng.choice(choices[kind])()

    def _keys(self, page: Any, names: Any) -> Callable[[], None]:
        return lambda: page.keyboard.press(self._rng.choice(list(names)))

    def _click(self, page: Any, selector: str) -> Callable[[], None]:
        def click() -> None:
            found = page.locator(f"main {selector}:visible").all()
            if found:
                self._rng.choice(found).click()
                page.locator("h1").first.click()

        return click

    def _select(self, page: Any) -> Callable[[], None]:
        def select() -> None:
            found = page.locator("main select:visible").all()
            if not found:
                return
            chosen = self._rng.choice(found)
            values = chosen.evaluate("it => [...it.options].filter((o) => !o.disabled).map((o) => o.value)")
            chosen.select_option(self._rng.choice(values))

        return select


def _kind(url: str) -> str:
    return re.search(r"/view/(\w+)", url)[1]


def _walk(walked: Any, fresh: Any, places: Places, rng: random.Random) -> tuple[Counter[str], list[str]]:
    seen, faults = Counter(), []
    for number in range(STATES):
        if number % A_WALK == 0:
            walked.goto(places.begin())
            _settled(walked)
        places.act(walked)
        _settled(walked)
        kind = _kind(walked.url)
        seen[kind] += 1
        fresh.goto(walked.url)
        end = time.monotonic() + PATIENCE
        while (found := _told(fresh, kind)) != (wanted := _told(walked, kind)) and time.monotonic() < end:
            time.sleep(0.05)
        if found != wanted:
            faults.append(f"{walked.url} shows something else.")
            print(faults[-1], _difference(wanted, found), flush=True)
        if number % 100 == 99:
            print(f"states: {number + 1}, {len(faults)} not restored", flush=True)
    return seen, faults


def _told(page: Any, kind: str) -> str:
    """What is shown; in practice without what was answered, which is the browser's and not the address's."""
    shown = page.evaluate(SHOWN)
    return _practised(shown) if kind == "practice" else shown


def _practised(shown: str) -> str:
    return "\n".join(re.findall(r"Board \d+ of \d+|Board, row by row.*", shown))


def _settled(page: Any) -> None:
    """Waits until the page and its address have stopped to change; what is loaded ends in "…"."""
    last, since, end = ("", ""), time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() < min(end, since + CALM):
        time.sleep(0.05)
        now = (page.evaluate(SHOWN), page.url)
        if now != last or not now[0] or "…" in now[0]:
            last, since = now, time.monotonic()


def _difference(wanted: str, found: str) -> str:
    at = next((place for place, pair in enumerate(zip(wanted, found, strict=False)) if len(set(pair)) > 1), 0)
    return f"wanted {wanted[max(0, at - 40) : at + 60]!r}, found {found[max(0, at - 40) : at + 60]!r}"
