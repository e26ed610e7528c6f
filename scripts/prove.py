"""`./run prove` lists the proofs; `./run prove resume` runs one and writes its section of docs/proofs.md."""

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from prove_annotate import annotate
from prove_attack import attack
from prove_crash import crash
from prove_fuzz import fuzz
from prove_play import play
from prove_review import review
from prove_search import search
from prove_serve import serve
from prove_stage2 import stage2
from prove_strength import strength
from prove_sweep import race, sweep
from prove_viewer import viewer

ROOT = Path(__file__).resolve().parents[1]
PROOFS_FILE = ROOT / "docs" / "proofs.md"
HEAD = "# Proofs\n\nFull counts, run by hand: `./run prove NAME`. CI runs a few seeded cases of each.\n"
TRIALS = 6  # of each setting
SEED = 2


def resume() -> tuple[str, bool]:
    """kills training runs at seeded points, resumes them, compares bits with runs that were let alone"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import resume_harness as harness

    start = time.monotonic()
    outcomes, ends = [], []
    (ROOT / "outputs").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        for number, setting in enumerate(harness.SETTINGS):
            for outcome in harness.trials(setting, SEED, TRIALS, Path(root) / str(number)):
                outcomes.append(outcome)
                _say(f"{setting.name}: {', '.join(map(str, outcome.kills))}: {outcome.differences or 'equal'}")
        for number, end in enumerate(harness.ENDS):
            differences = harness.end_trials(end, Path(root) / f"end-{number}")
            ends.append((end, differences))
            _say(f"{end.name}: {[found or 'equal' for found in differences]}")
    return _resume_section(harness, outcomes, ends, time.monotonic() - start)


def _resume_section(harness, outcomes, ends, seconds: float) -> tuple[str, bool]:
    hits = [kill for outcome in outcomes for kill in outcome.hits]
    unequal = [outcome for outcome in outcomes if outcome.differences]
    signals = Counter(harness.signal.Signals(kill.signal).name for kill in hits)
    events = Counter(kill.event for kill in hits)
    lines = [
        f"{len(outcomes)} interrupted runs, {len(hits)} signals that hit a living run "
        f"({', '.join(f'{count} {name}' for name, count in sorted(signals.items()))}): "
        f"**{len(outcomes) - len(unequal)} equal, {len(unequal)} unequal**, in {seconds:.0f} s.",
        "Each run (52 micro-batches of the fixture pack, hidden 16, dropout 0.2, a save every 3 steps) was stopped "
        "once or twice and resumed in place by the command line; seed "
        f"{SEED}. Equal means: weights, optimizer, schedule and callback state of the last checkpoint, what is last "
        "and best, the bytes of metrics.jsonl, metrics.csv and of every file of init/, and no temporary file left.",
        "| where the signal came | number |\n| --- | --: |\n"
        + "\n".join(f"| {event} | {events[event]} |" for event in harness.EVENTS),
        "A disk operation is one fsync, rename, link or unlink anywhere in the run; a third of the signals came 1 to "
        "60 ms after their event, at any instruction.",
        _settings_table(harness, outcomes),
        *(
            f"Unequal: {outcome.setting.name}, {', '.join(map(str, outcome.kills))}: {outcome.differences}"
            for outcome in unequal
        ),
        "Ends without a signal, in steps of three micro-batches at a constant rate. Where more steps or epochs are "
        "given the run is resumed to the end of one that had them from the start; where something asked for a stop, "
        "its last step is held against that step of a run let alone, and a resume has to change nothing.",
        _ends_table(ends),
    ]
    return "\n\n".join(lines), not unequal and not any(found for _, differences in ends for found in differences)


def _ends_table(ends) -> str:
    rows = [
        f"| {end.name} | {' '.join(f'`{word}`' for word in end.words) or '-'} | "
        f"{' '.join(f'`{word}`' for word in end.more) or '-'} | {len(differences)} | "
        f"{sum(not found for found in differences)} |"
        for end, differences in ends
    ]
    return "\n".join(["| end | keys | resumed with | runs | equal |\n| --- | --- | --- | --: | --: |", *rows])


def _settings_table(harness, outcomes) -> str:
    rows = []
    for setting in harness.SETTINGS:
        own = [outcome for outcome in outcomes if outcome.setting == setting]
        twice = sum(len(outcome.hits) > 1 for outcome in own)
        equal = sum(not outcome.differences for outcome in own)
        words = " ".join(f"`{word}`" for word in setting.words) or "-"
        rows.append(f"| {setting.name} | {words} | {len(own)} | {twice} | {equal} |")
    head = "| setting | keys | runs | killed twice | equal |\n| --- | --- | --: | --: | --: |"
    return "\n".join([head, *rows])


PROOFS: dict[str, Callable[[], tuple[str, bool]]] = {
    "resume": resume,
    "crash": crash,
    "sweep": sweep,
    "search": search,
    "race": race,
    "fuzz": fuzz,
    "attack": attack,
    "serve": serve,
    "review": review,
    "play": play,
    "annotate": annotate,
    "stage2": stage2,
    "strength": strength,
    "viewer": viewer,
}


def write_section(text: str, name: str, body: str) -> str:
    """`text` with the section `name` replaced, or added at the end."""
    section = f"## {name}\n\n{body}\n"
    found = re.search(rf"^## {re.escape(name)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        return f"{text.rstrip()}\n\n{section}"
    rest = text[found.end() :]
    return text[: found.start()] + section + (f"\n{rest}" if rest else "")


def _stamp() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = " with local changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {git('rev-parse', '--short=12', 'HEAD')}{changed}."


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in PROOFS:
        _say("\n".join(f"./run prove {name:<10} {prove.__doc__}" for name, prove in PROOFS.items()))
        return 0 if len(sys.argv) == 1 else 2
    name = sys.argv[1]
    (ROOT / "outputs").mkdir(exist_ok=True)
    stamp = _stamp()
    body, holds = PROOFS[name]()
    text = PROOFS_FILE.read_text() if PROOFS_FILE.exists() else HEAD
    PROOFS_FILE.write_text(write_section(text, name, f"{stamp}\n\n{body}"))
    _say(f"\n{body}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
