"""The proofs `sweep` (killed sweeps go on) and `race` (two calls of one second): tests/helpers/sweep_harness.py."""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLS = {"basic": (1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1), "joblib": (1, 2, 1, 2)}  # of each sweep; 20 together
RACES = 200
SEED = 5


def sweep() -> tuple[str, bool]:
    """kills sweeps at random moments 20 times, goes on with them, compares them with a sweep that was let alone"""
    harness = _harness()
    start, trials = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        reference = harness.uninterrupted(Path(root) / "reference")
        for setting in harness.SETTINGS:
            for trial in harness.trials(setting, SEED, KILLS[setting.name], Path(root), reference):
                trials.append(trial)
                kills = "; ".join(map(str, trial.kills))
                print(f"{setting.name}: {kills}: {trial.codes}: {trial.differences or 'equal'}", flush=True)
    return _sweep_section(harness, trials, time.monotonic() - start)


def _sweep_section(harness, trials, seconds: float) -> tuple[str, bool]:
    hits = [kill for trial in trials for kill in trial.hits]
    unequal = [trial for trial in trials if trial.differences]
    kinds = Counter(
        f"{harness.signal.Signals(kill.signal).name} to {'all its processes' if kill.everyone else 'the sweep'}"
        for kill in hits
    )
    lines = [
        f"{len(trials)} sweeps of {harness.JOBS} training runs, {sum(len(trial.kills) for trial in trials)} kills, "
        f"{len(hits)} of which hit a living sweep: **{len(trials) - len(unequal)} equal, {len(unequal)} unequal**, in "
        f"{seconds:.0f} s.",
        "Each was killed once or twice, a random while after a random number of its jobs, and went on at once by "
        f"`railyard train resume=SWEEP`, beside workers that may still have been saving; seed {SEED}. Equal means: "
        "every job has ended once, none that had ended ran again, outcomes and the table hold the values of a sweep "
        "that was let alone (but for seconds), and each run folder the bits of its run (as in the proof `resume`).",
        "| signal | hits |\n| --- | --: |\n" + "\n".join(f"| {kind} | {n} |" for kind, n in sorted(kinds.items())),
        "| launcher | sweeps | kills that hit | equal |\n| --- | --: | --: | --: |\n"
        + "\n".join(_row(setting, trials) for setting in harness.SETTINGS),
        *(
            f"Unequal: {trial.setting.name}, {'; '.join(map(str, trial.kills))}: {trial.differences}"
            for trial in unequal
        ),
    ]
    return "\n\n".join(lines), not unequal


def _row(setting, trials) -> str:
    own = [trial for trial in trials if trial.setting == setting]
    hits = sum(len(trial.hits) for trial in own)
    return f"| {setting.name} | {len(own)} | {hits} | {sum(not trial.differences for trial in own)} |"


def race() -> tuple[str, bool]:
    """starts two jobs in the same moment 200 times, looks for folders that they share"""
    harness = _harness()
    start, wrong = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        for number in range(RACES):
            kind = {"swept": number % 2 == 1, "same_name": number % 4 < 2}
            found = harness.race(Path(root) / str(number), **kind)
            wrong += [f"race {number}, {kind}: {fault}" for fault in found]
            print(f"race {number}: {found or 'two folders'}", flush=True)
    lines = [
        f"{RACES} times two calls left a barrier at the same moment in one working directory: **{len(wrong)} "
        f"collisions**, in {time.monotonic() - start:.0f} s.",
        "Half were single runs and half sweeps; in half of each both calls were made to draw the same folder name "
        "first. Two folders have to be there in the end, each with the config, the overrides and the log of one call.",
        *wrong,
    ]
    return "\n\n".join(lines), not wrong


def _harness():
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import sweep_harness

    return sweep_harness
