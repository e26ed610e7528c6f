"""The proof `annotate`: the same session however it was made, killed, stopped by a full disk, or shared out."""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLS = 50  # at random times
POINTS: int | None = None  # after operations on the disk, spread over all of a session; None: after each of them


def annotate() -> tuple[str, bool]:
    """kills annotation at every operation on the disk and at random, fills the disk, compares windows and parts"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import annotation_ways as ways
    import crash_harness as harness
    import crash_writers as table

    start = time.monotonic()
    (ROOT / "outputs").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        place, temporary = Path(root), harness.other_filesystem(Path(root))
        with harness.warm_process() as other:  # servers start threads, after which a process is not safe to fork
            rows = other(ways.compared, place / "ways")
            print(*map(_row, rows), sep="\n", flush=True)
        with harness.warm_process() as warm:
            points = warm(table.outcomes, "annotate", place / "operations", temporary, POINTS)
            print(f"{len(points)} operations", flush=True)
            times = warm(table.outcomes, "annotate", place / "times", temporary, None, KILLS)
    return _section(rows, points, times, table.SEED, time.monotonic() - start)


def _section(rows, points, times, seed: int, seconds: float) -> tuple[str, bool]:
    faulty = [outcome for outcome in (*points, *times) if outcome.faults]
    unequal = [row for row in rows if row.differences]
    kills = sum(len(outcome.kills) for outcome in times)
    where = "each operation on the disk" if POINTS is None else "operations on the disk, spread over all of a session,"
    lines = [
        f"{sum(len(outcome.kills) for outcome in points)} SIGKILLs after {where} and {kills} at "
        f"random times (seed {seed}): **{len(faulty)} with a fault**; {len(rows)} other ways to the same session: "
        f"**{len(rows) - len(unequal)} equal, {len(unequal)} unequal**, in {seconds:.0f} s.",
        "Killed was the writer of the proof `crash`: two parts over four rows, the second of which completes the "
        "session; the call that went on was killed too in every third folder of random times. After a kill a manifest "
        "that stands has to fit every shard; in the end shards, columns, schema.json, manifest, report and the rows of "
        "`runs` and `annotation_stats` are those of a session that was let alone, and no temporary file is left.",
        "The other ways annotate 654 rows in three shards by a model that answers by the board alone. Equal means: "
        "sha256 of every shard, of every column and of schema.json, and the rows of `runs` and `annotation_stats`. A "
        "full disk refuses one write, then the same call goes on.",
        "| way | sessions | equal |\n| --- | --: | --- |\n" + "\n".join(map(_row, rows)),
        *(f"Unequal: {row.name}: {', '.join(row.differences)}" for row in unequal),
        *(f"Fault: {', '.join(outcome.kills)}: {'; '.join(outcome.faults)}" for outcome in faulty),
    ]
    return "\n\n".join(lines), not faulty and not unequal


def _row(row) -> str:
    return f"| {row.name} | {row.sessions} | {'no' if row.differences else 'yes'} |"
