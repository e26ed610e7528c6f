"""The proof `crash`: every writer of the table in tests/helpers/crash_writers.py, killed at every operation on the
disk and a hundred times at random, with the system's temporary folder on another file system."""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLS = 100  # at random times, of each writer


def crash() -> tuple[str, bool]:
    """kills every writer after each operation on the disk and 100 times at random, looks for torn and lost records"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import crash_harness as harness
    import crash_writers as table

    start, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        temporary = harness.other_filesystem(Path(root))
        with harness.warm_process() as warm:
            for number, writer in enumerate(table.WRITERS):
                place = Path(root) / str(number)
                points = warm(table.outcomes, writer.name, place / "operations", temporary)
                times = warm(table.outcomes, writer.name, place / "times", temporary, None, KILLS)
                rows.append((writer.name, points, times))
                print(_row(rows[-1]), flush=True)
    return _section(rows, temporary, table.SEED, time.monotonic() - start)


def _section(rows, temporary: Path | None, seed: int, seconds: float) -> tuple[str, bool]:
    all_outcomes = [outcome for _, points, times in rows for outcome in (*points, *times)]
    faults = [(outcome, fault) for outcome in all_outcomes for fault in outcome.faults]
    where = (
        f"on {temporary}, another file system" if temporary else "on the same file system: this machine has no other"
    )
    lines = [
        f"{sum(len(outcome.kills) for outcome in all_outcomes)} SIGKILLs of {len(rows)} writers: **{len(faults)} "
        f"faults** (torn files, lost acknowledged records, other bytes in the end), in {seconds:.0f} s.",
        "Each writer was killed right after every operation on the disk in turn (a write, fsync, rename, link, unlink, "
        "truncation, new file or folder; in a write also when half of it was done), then at random times (seed "
        f"{seed}), where the call that went on was killed too in every third folder. After each kill the folder had to "
        "hold the old or the new state and every acknowledged record, and the same call had to end with the bytes of "
        f"one never killed (the index of runs: with its records). TMPDIR lay {where}. SQLite and safetensors write "
        "from C: only the random times hit inside their writes.",
        "| writer | operations | random kills | faults |\n| --- | --: | --: | --: |\n" + "\n".join(map(_row, rows)),
        *(f"Fault: {outcome.writer}, {', '.join(outcome.kills)}: {fault}" for outcome, fault in faults),
    ]
    return "\n\n".join(lines), not faults


def _row(row) -> str:
    name, points, times = row
    faults = sum(len(outcome.faults) for outcome in (*points, *times))
    return f"| {name} | {len(points)} | {sum(len(outcome.kills) for outcome in times)} | {faults} |"
