"""Kills sweeps at random moments, goes on with them, and compares what is left with a sweep that was let alone.

Every sweep is a process of its own that takes the way of the command line; where jobs run in that process it is
forked from a warmed server. Also here: two calls of one second that race for their folders. Used by
`test_sweep_resume.py` and by `scripts/prove_sweep.py`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import resume_harness

import railyard

VARIED = ("seed=1,2", "model.optimizer.lr=1e-3,3e-3")
JOBS = 4
SHORT = (*resume_harness.TINY, "trainer.max_epochs=2")
PATIENCE = 300.0


@dataclass(frozen=True)
class Setting:
    """One way to run the jobs of a sweep."""

    name: str
    words: tuple[str, ...] = ()
    seconds: float = 1.5  # about what a job takes: kills come within so long after a job's end
    warm: bool = True


SETTINGS = (Setting("basic"), Setting("joblib", ("hydra/launcher=joblib",), 4.0, False))


@dataclass(frozen=True)
class Kill:
    """A signal to the sweep's process or to all of its processes, so long after `ended` jobs ended in this call.

    Counted in jobs, since a number of seconds that hits a sweep on one machine comes after its end on another.
    """

    signal: int
    everyone: bool
    ended: int
    seconds: float

    def __str__(self) -> str:
        whom = "all processes" if self.everyone else "the sweep"
        return f"{signal.Signals(self.signal).name} to {whom} {self.seconds:.1f} s after {self.ended} jobs"


@dataclass
class Trial:
    """What happened to one sweep: which kills hit it, and what differs from the sweep that was let alone."""

    setting: Setting
    kills: tuple[Kill, ...]
    codes: list[int] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def hits(self) -> list[Kill]:
        return [kill for kill, code in zip(self.kills, self.codes, strict=False) if code != 0]


def _child(words: Sequence[str], cwd: Path, barrier: Any = None, name: str | None = None) -> None:
    """A process group of its own: the command line in `cwd`, its output in files there."""
    os.setsid()
    os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    for stream, file_name in ((1, "stdout.txt"), (2, "stderr.txt")):
        with Path(file_name).open("ab") as file:
            os.dup2(file.fileno(), stream)
    import torch

    from railyard.cli import main

    torch.set_num_threads(1)
    if barrier:
        _draw_first(name)
        barrier.wait(PATIENCE)
    sys.exit(main([*words]))


def _warm(*args: Any) -> Any:
    process = resume_harness.context().Process(target=_child, args=args)
    process.start()
    return process


def _heed() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class _Fresh:
    """An interpreter of its own, with what the harness uses of a `multiprocessing.Process`."""

    def __init__(self, words: Sequence[str], cwd: Path) -> None:
        command = [sys.executable, "-m", "railyard.cli", *words]
        source = str(Path(railyard.__file__).parents[1])
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": source}
        with (cwd / "stdout.txt").open("ab") as out, (cwd / "stderr.txt").open("ab") as err:
            self.process = subprocess.Popen(
                command, cwd=cwd, stdout=out, stderr=err, env=environment, start_new_session=True, preexec_fn=_heed
            )
        self.pid = self.process.pid

    @property
    def exitcode(self) -> int | None:
        return self.process.poll()

    def join(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)


def run(words: Sequence[str], cwd: Path, kill: Kill | None = None, warm: bool = True) -> int:
    """Run `railyard` with these words and kill it; its exit code (minus the signal's number if one ended it)."""
    process = _warm([*words], cwd) if warm else _Fresh(words, cwd)
    if kill:
        _wait_for_jobs(kill.ended, cwd, process)
        process.join(kill.seconds)
        if process.exitcode is None:
            (os.killpg if kill.everyone else os.kill)(process.pid, kill.signal)
    process.join(PATIENCE)
    if process.exitcode is None:
        os.killpg(process.pid, signal.SIGKILL)
        raise TimeoutError(f"railyard {' '.join(words)} in {cwd} did not end within {PATIENCE:.0f} s")
    return int(process.exitcode)


def _wait_for_jobs(number: int, cwd: Path, process: Any) -> None:
    """Wait until the sweep has its folder and `number` jobs ended in this call, or all but one ever."""
    wanted = min(len(_outcomes(sweep_folder(cwd))) + number, JOBS - 1)
    while process.exitcode is None:
        folder = sweep_folder(cwd)
        if folder and len(_outcomes(folder)) >= wanted:
            return
        process.join(0.02)


def sweep_folder(cwd: Path) -> Path | None:
    """The sweep below `cwd`, once it can be resumed."""
    found = sorted(cwd.glob("outputs/train/none/*/sweep.json"))
    return found[0].parent if found else None


def uninterrupted(cwd: Path) -> Path:
    """The folder of a sweep let alone, by the basic launcher."""
    cwd.mkdir(parents=True)
    code = run(["train", "-m", *SHORT, *VARIED], cwd)
    folder = sweep_folder(cwd)
    if code or not folder:
        raise RuntimeError(f"exit code {code}\n{(cwd / 'stderr.txt').read_text()}")
    return folder


def interrupted(setting: Setting, kills: tuple[Kill, ...], cwd: Path, reference: Path) -> Trial:
    """Start, kill, go on and kill again, go on to the end, compare."""
    cwd.mkdir(parents=True)
    trial = Trial(setting, kills)
    for kill in (*kills, None):
        folder = sweep_folder(cwd)
        ended = _outcomes(folder) if folder else {}
        words = [f"resume={folder}"] if folder else ["-m", *setting.words, *SHORT, *VARIED]
        trial.codes.append(run(["train", *words], cwd, kill, setting.warm))
        trial.differences += [f"{name} ran again" for name, old in ended.items() if _outcomes(folder).get(name) != old]
    trial.differences += _wrong_codes(trial) + differences(reference, sweep_folder(cwd))
    return trial


def _outcomes(folder: Path | None) -> dict[str, bytes]:
    """Job to the bytes that say how it ended."""
    files = folder.glob("*/outcome.json") if folder else ()
    return {file.parent.name: file.read_bytes() for file in files}


def _wrong_codes(trial: Trial) -> list[str]:
    found = []
    for kill, code in zip((*trial.kills, None), trial.codes, strict=True):
        allowed = (0,) if kill is None else (0, -kill.signal if kill.signal == signal.SIGKILL else 130)
        if code not in allowed:
            found.append(f"exit code {code} after {kill or 'the last resume'}")
    return found


def differences(reference: Path, other: Path | None) -> list[str]:
    """What of the promise a sweep's folder breaks: jobs, their outcomes, their rows of the table, all bits of runs."""
    if other is None:
        return ["no sweep"]
    found = []
    if (names := sorted(_outcomes(other))) != [str(number) for number in range(JOBS)]:
        return [f"jobs {', '.join(names)}"]
    for name in names:
        first, second = (json.loads(_outcomes(folder)[name]) for folder in (reference, other))
        found += [f"{name}: {key}" for key in first if key != "seconds" and first[key] != second[key]]
        found += [f"{name}: {line}" for line in resume_harness.differences(reference / name, other / name)]
    if _rows(reference) != _rows(other):
        found.append("table.csv")
    return found


def _rows(folder: Path) -> list[list[str]]:
    """The table without its column of seconds."""
    lines = [line.split(",") for line in (folder / "table.csv").read_text().splitlines()]
    timed = lines[0].index("seconds")
    return [line[:timed] + line[timed + 1 :] for line in lines]


def draw_kills(random: Random, setting: Setting, number: int) -> tuple[Kill, ...]:
    """Seeded kills of one sweep: three of four are SIGKILL, half of those hit every process."""

    def draw() -> Kill:
        number = random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        everyone = random.random() < 0.5 if number == signal.SIGKILL else number == signal.SIGINT
        return Kill(number, everyone, random.randrange(JOBS - 1), random.uniform(0, setting.seconds))

    return tuple(draw() for _ in range(number))


def trials(setting: Setting, seed: int, kills: Sequence[int], root: Path, reference: Path) -> Iterator[Trial]:
    """Sweeps below `root`, each killed as often as `kills` says."""
    random = Random(f"{seed} {setting.name}")
    for index, number in enumerate(kills):
        yield interrupted(setting, draw_kills(random, setting, number), root / f"{setting.name}-{index}", reference)


def _draw_first(name: str | None) -> None:
    """Let the first folder that this process thinks of be `name`: two calls then want the same one."""
    from railyard.core.verbs import launch

    drawn = launch.new_name

    def new_name(parent: Path) -> Path:
        launch.new_name = drawn
        return parent / name if name else drawn(parent)

    launch.new_name = new_name


def race(cwd: Path, swept: bool, same_name: bool) -> list[str]:
    """Two calls at the same moment in one working directory; what is wrong with the folders that they leave."""
    cwd.mkdir(parents=True)
    context = resume_harness.context()
    barrier = context.Barrier(2)
    name = f"{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime())}_taken" if same_name else None
    words = [["play", "player=random", "max_moves=2", f"games={number}", *(["-m"] * swept)] for number in (1, 2)]
    processes = [_warm(one, cwd, barrier, name) for one in words]
    for process in processes:
        process.join(PATIENCE)
    found = sorted(cwd.glob("outputs/play/random/*"))
    if len(found) != 2:
        return [f"{len(found)} folders"]
    runs = [folder / "0" if swept else folder for folder in found]
    return [] if sorted(map(_limit, runs)) == [1, 2] else ["the folders hold the wrong runs"]


def _limit(folder: Path) -> int:
    """Which of the two calls a run folder belongs to; -1 if its files are not of one call."""
    import yaml

    config = yaml.safe_load((folder / "config.yaml").read_text())
    overrides = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text())
    own = f"++games={config['games']}" in overrides and config["paths"]["output_dir"] == str(folder)
    games = len((folder / "games.jsonl").read_text().splitlines())
    return config["games"] if own and games >= config["games"] else -1
