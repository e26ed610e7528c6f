"""Kills training runs at chosen points, resumes them, and compares what is left with a run that was let alone.

Every process is forked from a warmed server and takes the way of the command line (`railyard.cli.main`). Inside it
every event that a kill can be tied to is counted: micro-batches, validation batches, epoch ends, disk operations.
Used by `test_resume.py` with a few seeded kills and by `scripts/prove.py` with many.
"""

import importlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "board"
WARM = ["railyard.cli", "railyard.core.verbs.launch", "railyard.core.training.fit", "railyard.board.training.module"]
PATIENCE = 300.0
TINY = (
    f"data.pack={FIXTURES / '03_pack'}",
    f"data.tokenizer={FIXTURES / '04_tokenizer_v2_8.json'}",
    "data.batch_size=36",
    "data.validation_batch_size=32",
    "data.validation_fraction=0.2",
    "model.encoder.hidden_size=16",
    "model.encoder.num_hidden_layers=1",
    "model.encoder.num_attention_heads=2",
    "model.encoder.intermediate_size=32",
    "model.encoder.dropout_prob=0.2",
    "model.schedule.warmup_steps=5",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=4",
    "trainer.log_every_n_steps=3",
    "callbacks.saver.every_n_steps=3",
    "callbacks.report.plots=false",
)


ACTION_POLICY = ("objective=board_hard_move", "model.encoder.head_type=action_policy", "data.tokenizer=null")
VALUE_HEADS = (
    "model.value_heads.p_die._target_=railyard.board.training.outcomes.DiesWithin",
    "model.value_heads.p_die.moves=20",
    "model.value_heads.reach_2048._target_=railyard.board.training.outcomes.Reaches",
    "model.value_heads.reach_2048.tile=2048",
)
# epochs of 11 batches, then of 4: the second phase has too few rows of one mix and does not repeat them
MIXES = (
    "data.samples_per_epoch=400",
    "data.rejection={seed: 9, phases: ["
    f"{{until_epoch: 2, mix: [{{id: all, dataset: {FIXTURES / '03_pack'}, filter: {{name: passthrough}}, weight: 0.7}},"
    f" {{id: left, dataset: {FIXTURES / '17_pack_left'}, filter: {{name: all}}, weight: 0.3, upsample: true}}]}},"
    "{mix: [{id: left, weight: 0.6, upsample: false}, {id: all, weight: 0.4}]}]}",
)
RANKS = ("trainer.devices=2", "data.batch_size=18", "data.validation_batch_size=25")


BOARD = "railyard.board.training.module.BoardModule"  # whose steps are events


@dataclass(frozen=True)
class Setting:
    """One way to train: the words of its command line beyond those of the tiny experiment, or of another `base`."""

    name: str
    words: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    base: tuple[str, ...] = TINY
    module: str = BOARD

    @property
    def victims(self) -> tuple[str, ...]:
        """The processes that a signal may be sent to."""
        return ("rank 0", "rank 1", "all ranks") if RANKS[0] in self.words else ("rank 0",)


SETTINGS = (
    Setting("plain"),
    Setting("accumulate 3", ("trainer.accumulate_grad_batches=3",)),
    Setting("workers 2", ("data.workers=2",)),
    Setting("workers 2, accumulate 3", ("data.workers=2", "trainer.accumulate_grad_batches=3")),
    Setting("validation every 5 batches", ("trainer.val_check_interval=5",)),
    Setting("validation every 4, accumulate 3", ("trainer.val_check_interval=4", "trainer.accumulate_grad_batches=3")),
    Setting("validation every 2nd epoch", ("trainer.check_val_every_n_epoch=2",)),
    Setting("7 batches an epoch", ("trainer.limit_train_batches=7", "trainer.max_epochs=6")),
    Setting(
        "max_steps, accumulate 2",
        ("trainer.max_epochs=null", "trainer.max_steps=31", "trainer.accumulate_grad_batches=2"),
    ),
    Setting(
        "windowed order",
        (
            "data.order._target_=railyard.core.training.shuffling.Windowed",
            "data.order.block_rows=16",
            "data.order.window_blocks=4",
        ),
    ),
    Setting(
        "Muon, turned boards, average, growing batch, value heads",
        (
            *VALUE_HEADS,
            "model=board_encoder_muon",
            "data.augmentation.rotations=true",
            "data.augmentation.flips=true",
            "model.ema_decay=0.9",
            "model.schedule.grow_batch=true",
            "trainer.max_epochs=null",
            "trainer.max_steps=31",
        ),
    ),
    Setting("bfloat16, action policy", (*ACTION_POLICY, "trainer.precision=bf16-mixed")),
    Setting(
        "play at every 2nd validation, the strongest is best",
        (
            "callbacks=[default,board_strength]",
            "callbacks.strength.every_n_validations=2",
            "callbacks.strength.games=4",
            "callbacks.strength.max_moves=20",
            "callbacks.strength.bucket=16",
            "callbacks.saver.monitor=strength/mean_score",
            "callbacks.saver.mode=max",
            "trainer.val_check_interval=5",
        ),
    ),
    Setting("mixes of two phases", MIXES),
    Setting("mixes, accumulate 3, workers 2", (*MIXES, "trainer.accumulate_grad_batches=3", "data.workers=2")),
    Setting(
        "mixes by windows, turned boards",
        (
            *MIXES,
            "data.order._target_=railyard.core.training.shuffling.Windowed",
            "data.order.block_rows=16",
            "data.order.window_blocks=4",
            "data.augmentation.rotations=true",
        ),
    ),
    Setting("mixes, 2 ranks, accumulate 3", (*MIXES, *RANKS, "trainer.accumulate_grad_batches=3")),
    Setting("2 ranks", RANKS),
    Setting("2 ranks, workers 2, accumulate 3", (*RANKS, "data.workers=2", "trainer.accumulate_grad_batches=3")),
    Setting("temporary files on /dev/shm", environment=(("TMPDIR", "/dev/shm"),)),
)


@dataclass(frozen=True)
class End:
    """A way in which a fit ends without a signal.

    words: of the run. asked_by: what asks for a stop while a batch is under way; empty where the words end the run.
    more: of the resume; none where a resume has to leave the run as it ended. whole: of a run that does not end so.
    """

    name: str
    words: tuple[str, ...]
    asked_by: str = ""
    more: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


STEADY = (  # a rate that does not know how long the run is: longer runs begin alike
    *(word for word in TINY if "schedule" not in word),
    "model.schedule._target_=railyard.board.training.schedules.Constant",
    "~model.schedule.warmup_steps",
    "~model.schedule.min_ratio",
    "trainer.accumulate_grad_batches=3",
)
BY_STEPS = ("trainer.max_epochs=null", "trainer.max_steps=17")
EARLY = "+callbacks.early={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:val/loss,patience:1,min_delta:9}"
ENDS = (
    End("max_steps", ("trainer.max_epochs=null", "trainer.max_steps=8"), "", ("trainer.max_steps=17",), BY_STEPS),
    End("max_epochs", ("trainer.max_epochs=2",), "", ("trainer.max_epochs=4",)),
    End("max_time", ("trainer.max_time=00:05:00:00",), "the clock"),
    End("a callback's should_stop", (), "a callback"),
    End("EarlyStopping", ("trainer.val_check_interval=5", EARLY), "", (), ("trainer.val_check_interval=5",)),
)


@dataclass(frozen=True)
class Kill:
    """A signal at the `count`-th event of a kind in rank 0, or `delay` seconds after it."""

    signal: int
    event: str
    count: int
    delay: float = 0.0
    victim: str = "rank 0"

    def __str__(self) -> str:
        late = f" +{1000 * self.delay:.0f} ms" if self.delay else ""
        whom = f" to {self.victim}" if self.victim != "rank 0" else ""
        return f"{signal.Signals(self.signal).name}{whom} at {self.event} {self.count}{late}"

    @property
    def codes(self) -> tuple[int, ...]:
        """How rank 0 may end when the signal hits. (Others than SIGKILL are not heard by rank 1.)"""
        if self.victim == "rank 1":
            return (1,)
        return (-self.signal if self.signal == signal.SIGKILL else 130,)


@dataclass
class Outcome:
    """What a trial found: signals that hit, and what differs from the run that was let alone."""

    setting: Setting
    kills: tuple[Kill, ...]
    codes: list[int] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def hits(self) -> list[Kill]:
        return [kill for kill, code in zip(self.kills, self.codes, strict=False) if code != 0]


class Events:
    """Counts the events of this process, and sends itself the signal when the chosen one comes."""

    def __init__(self, kill: Kill | None) -> None:
        self.kill = kill
        self.counts: Counter[str] = Counter()
        self.others: list[int] = []  # processes of ranks above 0

    def hit(self, event: str) -> None:
        self.counts[event] += 1
        if self.kill and (event, self.counts[event]) == (self.kill.event, self.kill.count):
            self._fire(self.kill)

    def _fire(self, kill: Kill) -> None:
        if not kill.delay:
            self._send(kill)
            return
        timer = threading.Timer(kill.delay, self._send, (kill,))
        timer.daemon = True
        timer.start()

    def _send(self, kill: Kill) -> None:
        own = os.getpid()
        for process in {"rank 0": [own], "rank 1": self.others, "all ranks": [*self.others, own]}[kill.victim]:
            with suppress(ProcessLookupError):
                os.kill(process, kill.signal)

    def watch_ranks(self) -> None:
        from railyard.core.training import ranks

        original = ranks._Member.__init__

        def remembered(member: Any, task: Any) -> None:
            original(member, task)
            self.others.append(member.process.pid)

        ranks._Member.__init__ = remembered  # type: ignore[method-assign]

    def watch(self, owner: Any, name: str, event: str) -> None:
        """Every call of `owner.name` becomes an event just before it happens."""
        original = getattr(owner, name)

        def counted(*args: Any, **keys: Any) -> Any:
            self.hit(event)
            return original(*args, **keys)

        setattr(owner, name, counted)

    def ask_for_stop(self, asked_by: str, batch: int) -> None:
        """What asks for a stop does so while the `batch`-th batch of the run is computed."""
        from lightning.pytorch.callbacks import Timer

        from railyard.board.training.module import BoardModule

        original = BoardModule.training_step

        def asking(module: Any, *args: Any) -> Any:
            if self.counts["batch"] == batch and asked_by == "a callback":
                module.trainer.should_stop = True
            return original(module, *args)

        BoardModule.training_step = asking
        Timer.time_remaining = lambda *_: -1.0 if self.counts["batch"] >= batch else 1e6  # type: ignore[method-assign]

    def watch_torn_saves(self) -> None:
        """An event in the middle of writing a checkpoint's bytes."""
        import io

        import torch

        original = torch.save

        def halved(content: Any, file: Any) -> None:
            whole = io.BytesIO()
            original(content, whole)
            half = len(whole.getbuffer()) // 2
            file.write(whole.getbuffer()[:half])
            file.flush()
            self.hit("half a checkpoint")
            file.write(whole.getbuffer()[half:])

        torch.save = halved

    def install(self, module: str) -> None:
        home, _, name = module.rpartition(".")
        watched = getattr(importlib.import_module(home), name)
        self.watch(watched, "training_step", "batch")
        self.watch(watched, "validation_step", "validation batch")
        self.watch(watched, "on_train_epoch_end", "epoch end")
        self.watch(watched, "on_validation_end", "validation end")
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "symlink_to"), (Path, "rename")):
            self.watch(owner, name, "disk operation")
        self.watch_torn_saves()
        self.watch_ranks()


def _child(
    words: list[str],
    cwd: Path,
    kill: Kill | None,
    environment: Mapping[str, str],
    stop: tuple[str, int] | None,
    module: str,
) -> None:
    """A process of its own: the command line in `cwd`, its output in files there, its events in counts.json."""
    os.chdir(cwd)
    os.environ.update(environment)
    for stream, name in ((1, "stdout.txt"), (2, "stderr.txt")):
        with Path(name).open("ab") as file:
            os.dup2(file.fileno(), stream)
    import torch

    from railyard.cli import main

    torch.set_num_threads(1)
    events = Events(kill)
    if stop is not None:
        events.ask_for_stop(*stop)
    events.install(module)
    code = main(words)
    Path("counts.json").write_text(json.dumps(events.counts))
    sys.exit(code)


def context() -> Any:
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(WARM)
    return context


def start(
    words: list[str],
    cwd: Path,
    kill: Kill | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    stop: tuple[str, int] | None = None,
    module: str = BOARD,
) -> int:
    """Run `railyard` with these words in `cwd`; its exit code (minus the signal's number if one ended it).

    stop: what asks for a stop, and in which batch. module: the class whose steps are events.
    """
    process = context().Process(target=_child, args=(words, cwd, kill, dict(environment), stop, module))
    process.start()
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"railyard {' '.join(words)} in {cwd} did not end within {PATIENCE:.0f} s")
    return int(process.exitcode)


def run_folder(cwd: Path) -> Path | None:
    """The run folder below `cwd`, if one has come so far that it can be resumed."""
    found = sorted(cwd.glob("outputs/train/none/*/config.yaml"))
    return found[0].parent if found else None


def uninterrupted(setting: Setting, cwd: Path) -> tuple[Path, dict[str, int]]:
    """A run let alone: its folder and how often each event came."""
    cwd.mkdir(parents=True)
    code = start(
        ["train", *setting.base, *setting.words], cwd, environment=dict(setting.environment), module=setting.module
    )
    folder = run_folder(cwd)
    if code or not folder:
        raise RuntimeError(f"{setting.name}: exit code {code}\n{(cwd / 'stderr.txt').read_text()}")
    return folder, json.loads((cwd / "counts.json").read_text())


def interrupted(setting: Setting, kills: tuple[Kill, ...], cwd: Path, reference: Path) -> Outcome:
    """Start, kill, resume and kill again, resume to the end, compare."""
    cwd.mkdir(parents=True)
    outcome = Outcome(setting, kills)
    for kill in (*kills, None):
        folder = run_folder(cwd)
        words = [f"resume={folder}"] if folder else [*setting.base, *setting.words]
        outcome.codes.append(start(["train", *words], cwd, kill, dict(setting.environment), module=setting.module))
    outcome.differences = _wrong_codes(outcome) or differences(reference, _folder_of(cwd))
    return outcome


def _folder_of(cwd: Path) -> Path:
    folder = run_folder(cwd)
    assert folder is not None
    return folder


def _wrong_codes(outcome: Outcome) -> list[str]:
    found = []
    for kill, code in zip((*outcome.kills, None), outcome.codes, strict=True):
        allowed = (0,) if kill is None else (0, *kill.codes)
        if code not in allowed:
            found.append(f"exit code {code} after {kill or 'the last resume'}")
    return found


def differences(reference: Path, other: Path) -> list[str]:
    """What of the promise two run folders break, one line each."""
    found = [name for name in _compared_files(reference) if _bytes(reference / name) != _bytes(other / name)]
    first, second = (_manifest(folder) for folder in (reference, other))
    found += [f"manifest {key}" for key in ("last", "best", "best_value") if first[key] != second[key]]
    found += [f"link {name}" for name in ("last.ckpt", "best.ckpt") if _target(reference, name) != _target(other, name)]
    if first["last"] == second["last"]:
        found += _checkpoint_differences(reference, other, first["last"])
    leftovers = [path.name for path in other.rglob(".*.tmp")]
    return found + [f"leftover {name}" for name in leftovers]


def _compared_files(folder: Path) -> list[str]:
    return ["metrics.jsonl", "metrics.csv", *sorted(f"init/{path.name}" for path in (folder / "init").iterdir())]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "checkpoints" / "manifest.json").read_text()))


def _target(folder: Path, name: str) -> str:
    return os.readlink(folder / "checkpoints" / name)  # noqa: PTH115 (the text of the link is compared)


PARTS = (
    *("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "callbacks"),
    *("stands_on", "stage2_open_window"),
)


def _checkpoint_differences(reference: Path, other: Path, name: str, parts: Sequence[str] = PARTS) -> list[str]:
    from railyard.core.training.checkpoint import load

    first, second = (load(folder / "checkpoints" / name) for folder in (reference, other))
    for state in (first, second):
        state["callbacks"].pop("Timer", None)  # seconds are no bits of a run
    return [line for part in parts for line in unequal(first.get(part), second.get(part), part)]


def unequal(first: Any, second: Any, where: str) -> list[str]:
    """Places where two trees of containers and tensors differ in type, shape or any bit."""
    import torch

    if isinstance(first, Mapping) and isinstance(second, Mapping):
        if list(first) != list(second):
            return [f"{where}: keys"]
        return [line for key in first for line in unequal(first[key], second[key], f"{where}.{key}")]
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        if len(first) != len(second):
            return [f"{where}: length"]
        pairs = enumerate(zip(first, second, strict=True))
        return [line for i, (a, b) in pairs for line in unequal(a, b, f"{where}[{i}]")]
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        same = first.dtype == second.dtype and first.numpy().tobytes() == second.numpy().tobytes()
        return [] if same else [where]
    return [] if type(first) is type(second) and first == second else [where]


EVENTS = ("batch", "validation batch", "validation end", "epoch end", "disk operation", "half a checkpoint")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def draw_kill(random: Random, event: str, counts: Mapping[str, int], victims: Sequence[str]) -> Kill:
    """A seeded kill at one of the events that an uninterrupted run has, every third time a little after it."""
    delay = random.randint(1, 60) / 1000 if random.random() < 1 / 3 else 0.0
    number, count = random.choice(SIGNALS), random.randint(1, max(counts.get(event, 1), 1))
    victim = random.choice(victims) if len(victims) > 1 else victims[0]
    return Kill(signal.SIGKILL if victim == "rank 1" else number, event, count, delay, victim)


def trials(setting: Setting, seed: int, number: int, root: Path) -> Iterator[Outcome]:
    """`number` seeded trials of a setting below `root`, the kinds of events in turn; every third is killed twice."""
    random = Random(f"{seed} {setting.name}")
    reference, counts = uninterrupted(setting, root / "reference")
    for index in range(number):
        events = [EVENTS[(index + seed) % len(EVENTS)]]
        if index % 3 == 2:
            events.append(random.choice(EVENTS))
        kills = tuple(draw_kill(random, event, counts, setting.victims) for event in events)
        yield interrupted(setting, kills, root / f"trial-{index}", reference)


def let_alone(end: End, cwd: Path) -> Path:
    """The run folder of a run that does not end so, with a checkpoint of every step."""
    cwd.mkdir(parents=True)
    every = ("callbacks.saver.every_n_steps=1", "callbacks.saver.keep=100")
    code = start(["train", *STEADY, *end.whole, *every], cwd)
    if code:
        raise RuntimeError(f"{end.name}: exit code {code}\n{(cwd / 'stderr.txt').read_text()}")
    return _folder_of(cwd)


def ended(end: End, batch: int, cwd: Path, reference: Path) -> list[str]:
    """Let a run end (in this batch, where something asks for it), resume it, and compare it with one let alone."""
    cwd.mkdir(parents=True)
    stop = (end.asked_by, batch) if end.asked_by else None
    code = start(["train", *STEADY, *end.words], cwd, stop=stop)
    if code:
        return [f"exit code {code}"]
    folder = _folder_of(cwd)
    before = _manifest(folder)
    stopped = _step_of(before["last"])
    found = _end_differences(reference, folder, stopped)
    if code := start(["train", f"resume={folder}", *end.more], cwd, stop=(end.asked_by, 0) if end.asked_by else None):
        return [*found, f"exit code {code} of the resume"]
    if not end.more and _manifest(folder) != before:
        found.append("the resume went on")
    return found + _end_differences(reference, folder, stopped, to_the_end=bool(end.more))


def end_trials(end: End, root: Path) -> list[list[str]]:
    """Differences of each trial below `root`: stops inside an accumulation, at its end and at the end of an epoch."""
    reference = let_alone(end, root / "reference")
    batches = (11, 12, 13, 29) if end.asked_by else (0,)
    return [ended(end, batch, root / str(batch), reference) for batch in batches]


def _end_differences(reference: Path, other: Path, stopped: int, to_the_end: bool = False) -> list[str]:
    """What of the last step differs from the same step of the run let alone, one line each.

    stopped: the step where the run ended first: a validation follows, which the run let alone does not have there.
    """
    name, whole = _manifest(other)["last"], _manifest(reference)["last"]
    if name is None or not (other / "init").is_dir():
        return ["no checkpoint or no init/"]
    found = [f"ends at {name} instead of {whole}"] if to_the_end and name != whole else []
    parts = ("global_step", "state_dict", "optimizer_states", "lr_schedulers")
    found += _checkpoint_differences(reference, other, name, parts)
    rows, own = (_rows(folder, _step_of(name)) for folder in (reference, other))
    own = [row for row in own if row in rows or row["step"] != stopped]
    return found if own == rows else [*found, "metrics.jsonl"]


def _step_of(checkpoint: str | None) -> int:
    return int((checkpoint or "-0").removesuffix(".ckpt").rpartition("-")[2])


def _rows(folder: Path, step: int) -> list[dict[str, Any]]:
    rows = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [row for row in rows if row["step"] <= step]
