"""`./run prove search`: a search killed at seeded points and at random times; nothing may be lost or changed."""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POINTS, KILLS = 20, 10  # after operations on the disk, spread over all of them; and at random times


def search() -> tuple[str, bool]:
    """kills a search of rankers at seeded points and at random times, compares journal, best.json, split and bits"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import crash_harness as harness
    import crash_writers as table

    start = time.monotonic()
    (ROOT / "outputs").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        place, temporary = Path(root), harness.other_filesystem(Path(root))
        with harness.warm_process() as warm:
            found = warm(table.outcomes, "search", place / "operations", temporary, POINTS)
            found += warm(table.outcomes, "search", place / "times", temporary, None, KILLS)
    return _section(found, table.SEED, time.monotonic() - start)


def _section(found, seed: int, seconds: float) -> tuple[str, bool]:
    faulty = [outcome for outcome in found if outcome.faults]
    kills = sum(len(outcome.kills) for outcome in found)
    lines = [
        f"{kills} kills hit {len(found)} searches of two trials: **{len(faulty)} with a fault**, in {seconds:.0f} s; "
        f"seed {seed}.",
        f"{POINTS} came after an operation on the disk, spread over all of a search, the others at random times; each "
        "search was then called again. After a kill: trials are noted in their order and each has a whole bundle, "
        "best.json speaks of noted trials alone, config.json, split.json and bits.all.npy are there whole or not at "
        "all. In the end: records (without times), weights, best.json, split and bits are those of a search that was "
        "let alone, and no temporary file is left.",
        *(f"Fault: {', '.join(outcome.kills)}: {'; '.join(outcome.faults)}" for outcome in faulty),
    ]
    return "\n\n".join(lines), not faulty
