"""The proof `attack`: hostile folders and mutated files of every artifact, tests/helpers/attack_harness.py."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MUTATIONS = 20_000
SEED = 13


def attack() -> tuple[str, bool]:
    """gives hostile folders and 20,000 mutated files to the readers of all verbs, in children that are watched"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import attack_harness as harness
    import attack_kinds as table

    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="railyard-prove-", dir=ROOT / "outputs") as root:
        kinds = table.kinds(Path(root) / "made")
        found = []
        for name, trials in (
            ("hostile", list(table.hostile(kinds))),
            ("mutated", list(harness.mutations(kinds, MUTATIONS, SEED))),
        ):
            found.append([])
            for outcome in harness.run(trials, Path(root) / name):
                found[-1].append(outcome)
                if outcome.faults:
                    print(outcome, flush=True)
            print(f"{name}: {len(trials)} trials, {time.monotonic() - start:.0f} s", flush=True)
    return _section(harness, kinds, *found, time.monotonic() - start)


def _section(harness, kinds, hostile, mutated, seconds: float) -> tuple[str, bool]:
    outcomes = [*hostile, *mutated]
    faults = [outcome for outcome in outcomes if outcome.faults]
    readers = sum(len(kind.readers) for kind in kinds)
    lines = [
        f"{len(hostile):,} hostile folders and {len(mutated):,} mutations of {len(kinds)} artifacts, read by {readers} "
        f"readers of the verbs: **{len(faults)} faults**, in {seconds:.0f} s. Of {_calls(outcomes):,} calls "
        f"{sum(outcome.values for outcome in outcomes):,} ended with a value and "
        f"{sum(len(outcome.sentences) for outcome in outcomes):,} with a sentence. The most memory beyond the warm "
        f"process was {max(outcome.memory for outcome in outcomes) >> 20} MiB, the longest trial took "
        f"{max(outcome.seconds for outcome in outcomes):.1f} s; seed {SEED}.",
        "A fault is a traceback, code of a stranger that ran, a write outside the folder that the call names, more "
        f"than {harness.MEMORY >> 20} MiB beyond the warm process, a call of more than {harness.SECONDS} s, or a "
        "process that died. Every trial ran in a forked child with an audit hook on what Python opens, renames, "
        "removes and starts. A hostile folder has one file that is empty, nested 100,000 deep, of another type, a bomb "
        "of aliases, gzip, zip, PNG or safetensors, pickled code, a pipe, a folder, a link to a device or to nothing, "
        "1 GiB of zeros; or a config with strangers' classes, paths that leave the folder, sizes beyond reason; links; "
        "views and computed columns in SQLite. A mutation is one to four pieces of damage to the bytes, or, every "
        "second time where a file can be taken apart, other values in its JSON, YAML, SQLite, header or pickle, with "
        "the checksum that belongs to them.",
        "| artifact | hostile folders | mutations | values | sentences | faults | most MiB |\n"
        "| --- | --: | --: | --: | --: | --: | --: |\n" + "\n".join(_row(kind, hostile, mutated) for kind in kinds),
        *(f"Fault: {outcome}" for outcome in faults[:50]),
    ]
    return "\n\n".join(lines), not faults


def _calls(outcomes: Sequence) -> int:
    return sum(outcome.values + len(outcome.sentences) + len(outcome.faults) for outcome in outcomes)


def _row(kind, hostile, mutated) -> str:
    folders, files = ([each for each in part if each.trial.kind is kind] for part in (hostile, mutated))
    own = [*folders, *files]
    values, sentences = sum(each.values for each in own), sum(len(each.sentences) for each in own)
    faults, memory = sum(bool(each.faults) for each in own), max((each.memory for each in own), default=0) >> 20
    return f"| {kind.name} | {len(folders)} | {len(files)} | {values} | {sentences} | {faults} | {memory} |"
