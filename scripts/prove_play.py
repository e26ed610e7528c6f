"""The proof `play`: the same games and pool bytes for any number of places, however often the recording was killed."""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES, GROUPS = (1, 7, 64, 300), (1, 3)
KILLS = 20  # of one recording


def play() -> tuple[str, bool]:
    """kills a recording of games 20 times at each number of places and groups, compares games.jsonl and the pools"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import crash_harness as harness
    import crash_writers as table

    start, rows, files = time.monotonic(), [], []
    (ROOT / "outputs").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root,
        harness.warm_process() as warm,
    ):
        for places in PLACES:
            for groups in GROUPS:
                place = Path(root) / f"{places}-{groups}"
                outcome, left = warm(table.killed_play, places, groups, place, KILLS)
                files.append(left)
                equal = left == files[0] and not outcome.faults
                rows.append((places, groups, len(outcome.kills), equal, outcome.faults))
                print(_row(rows[-1]), flush=True)
    return _section(rows, len(files[0]), time.monotonic() - start)


def _section(rows, files: int, seconds: float) -> tuple[str, bool]:
    unequal = [row for row in rows if not row[3]]
    lines = [
        f"{sum(row[2] for row in rows)} SIGKILLs of {len(rows)} recordings: **{len(rows) - len(unequal)} equal, "
        f"{len(unequal)} unequal**, in {seconds:.0f} s.",
        "Six games with embeddings, two of which end without a move, were recorded into one folder that was killed "
        f"{KILLS} times at random; every call went on from what it found. Equal means: the bytes of games.jsonl, of "
        f"the pool and of the pool of unfinished games ({files} files) are those of one place that was let alone, and "
        "no temporary file is left.",
        "| places | groups | kills | equal |\n| --: | --: | --: | --- |\n" + "\n".join(map(_row, rows)),
        *(f"Fault: {row[0]} places, {row[1]} groups: {fault}" for row in rows for fault in row[4]),
    ]
    return "\n\n".join(lines), not unequal


def _row(row) -> str:
    places, groups, kills, equal, _ = row
    return f"| {places} | {groups} | {kills} | {'yes' if equal else 'no'} |"
