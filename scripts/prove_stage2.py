"""The proof `stage2`: runs of the trainer killed at seeded points, and a thousand steps on rollouts of garbage."""

import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEED = 2
TRIALS = 6  # of each setting
STEPS = 1000
WARM_UP = 200  # steps after which memory may not grow
GROWTH = 64 * 2**20  # bytes
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

ROLLOUT = "custom.extra.rollout_matching"
SETTINGS = {
    "channel A, three iterations": ("stage2_ab.schedule.b_ratio=0", "stage2_ab.n_softctx_iter=3"),
    "channel B, sampled": ("stage2_ab.schedule.b_ratio=1", f"{ROLLOUT}.rollout_buffer.enabled=false"),
    "both, windows used twice": (),
    "both, a short last window": ("data.batch_size=4", "trainer.accumulate_grad_batches=2"),
    "both, on two ranks": ("trainer.devices=2",),
}


def stage2() -> tuple[str, bool]:
    """kills runs of the stage2 trainer at seeded points, and has it learn from garbage for a thousand steps"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    sys.path.insert(0, str(ROOT / "tests" / "stage2"))
    import resume_harness as harness
    import stage2_runs
    from test_trained_runs import MODULE, words

    start = time.monotonic()
    (ROOT / "outputs").mkdir(exist_ok=True)
    rows, faulty, kills = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        scenes = stage2_runs.scenes_with_rollouts(Path(root) / "scenes")
        for number, (name, more) in enumerate(SETTINGS.items()):
            setting = harness.Setting(name, more, base=words(scenes), module=MODULE)
            found = list(harness.trials(setting, SEED, TRIALS, Path(root) / str(number)))
            unequal = [outcome for outcome in found if outcome.differences]
            hits = sum(len(outcome.hits) for outcome in found)
            faulty, kills = faulty + len(unequal), kills + hits
            for outcome in found:
                print(f"{name}: {', '.join(map(str, outcome.kills))}: {outcome.differences or 'equal'}", flush=True)
            rows.append(f"| {name} | {len(found)} | {hits} | {len(found) - len(unequal)} |")
        grown = garbage(scenes)
    lines = [
        f"{TRIALS * len(SETTINGS)} interrupted runs, {kills} signals that hit a living run: **{faulty} unequal**; "
        f"{STEPS} steps of channel B on rollouts of garbage: **no exception, no NaN, all counters add up**, memory "
        f"grew by {grown / 2**20:.0f} MiB after step {WARM_UP} (at most {GROWTH // 2**20} are allowed); in "
        f"{time.monotonic() - start:.0f} s.",
        "Each run (12 scenes, two epochs, sampled rollouts by the model itself, two micro-batches a step, a save every "
        f"step) was stopped once or twice and resumed in place; seed {SEED}. Equal means: weights, optimizer, "
        "schedule, callback state and open window of the last checkpoint, the bytes of metrics.jsonl and of every file "
        "of init/.",
        "| setting | runs | signals | equal |\n| --- | --: | --: | --: |\n" + "\n".join(rows),
    ]
    return "\n\n".join(lines), not faulty and grown <= GROWTH


def garbage(scenes: Path) -> int:
    """Bytes by which the peak of this process grows while a model writes garbage; AssertionError for a bad count."""
    sys.path.insert(0, str(ROOT / "tests" / "stage2" / "training"))
    from stage2_runs import Setup
    from test_module import Steps, hold_counts, random_rollouts

    steps = Steps(Setup(scenes, 1.0, batch_size=1), accumulate=1)
    steps.module.rollouts.generate = random_rollouts(steps, SEED)
    for row in steps.run(WARM_UP):
        hold_counts(row)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(STEPS - WARM_UP):
        for row in steps.run(1):
            hold_counts(row)
        steps.module.detector.zero_grad()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * RSS_UNIT
