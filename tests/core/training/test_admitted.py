"""What the table of admitted classes holds works exactly, or is refused: every class of it stands here.

Each is used in a run that is killed and resumed, and that has to end with the bits of a run let alone.
"""

from importlib.util import find_spec

import pytest
import resume_harness as harness

from railyard.board.training.schedules import Schedule
from railyard.core.config import legacy
from railyard.core.config.targets import TABLE, below, path_of, resolve
from railyard.core.training.rules import NEEDS

CALLBACKS, LOGGERS, PROFILERS = (f"lightning.pytorch.{group}." for group in ("callbacks", "loggers", "profilers"))
PLAIN = ("~model.optimizer.betas", "~model.optimizer.weight_decay")
SCHEDULE = ("~model.schedule.warmup_steps", "~model.schedule.min_ratio")
CSV = (f"+logger.beside._target_={LOGGERS}CSVLogger", "+logger.beside.save_dir=${hydra:runtime.output_dir}")
WORDS = {  # the words that use a class, beside its _target_
    "lightning.pytorch.Trainer": (),
    f"{CALLBACKS}EarlyStopping": ("+callbacks.it.monitor=val/loss", "+callbacks.it.patience=3"),
    f"{CALLBACKS}LearningRateMonitor": ("+callbacks.it.logging_interval=step", *CSV),
    f"{CALLBACKS}ModelSummary": (),
    f"{CALLBACKS}Timer": ("+callbacks.it.duration=00:01:00:00",),
    **{f"{LOGGERS}{name}": () for name in ("CSVLogger", "TensorBoardLogger", "WandbLogger", "MLFlowLogger")},
    **{f"{PROFILERS}{name}": () for name in ("AdvancedProfiler", "PyTorchProfiler", "SimpleProfiler")},
    **{f"torch.optim.{name}": PLAIN for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam")},
    "torch.optim.Muon": ("model=board_encoder_muon",),
    "railyard.board.training.schedules.Constant": SCHEDULE,
    "railyard.board.training.schedules.Cosine": (),
    "railyard.board.training.schedules.WarmupStableDecay": (*SCHEDULE, "+model.schedule.cooldown_pct=0.3"),
}


def setting(target):
    """A way to train that uses the class."""
    if target.startswith(CALLBACKS):
        own = (f"+callbacks.it._target_={target}",)
    elif target.startswith(LOGGERS):
        own = (f"+logger.it._target_={target}", "+logger.it.save_dir=${hydra:runtime.output_dir}")
    elif target.startswith(PROFILERS):
        own = (f"+trainer.profiler._target_={target}",)
    elif target.startswith("torch.optim.") and not target.endswith("Muon"):
        own = (f"model.optimizer._target_={target}",)
    elif target.startswith("railyard."):
        own = (f"model.schedule._target_={target}",)
    else:
        own = ()
    return harness.Setting(target, (*own, *WORDS[target]))


def test_every_class_of_the_table_stands_here():
    assert {*TABLE, *map(path_of, below(Schedule))} == {*WORDS}


@pytest.mark.slow
@pytest.mark.parametrize("target", sorted(WORDS))
def test_a_killed_run_that_uses_it_resumes_to_the_same_bits(target, tmp_path):
    package, command = NEEDS.get(target, ("", ""))
    if package and find_spec(package) is None:
        code = harness.start(["train", *harness.TINY, *setting(target).words], tmp_path)
        assert (code, command in (tmp_path / "stderr.txt").read_text()) == (2, True)
        return
    for outcome in harness.trials(setting(target), 0, 2, tmp_path):
        assert outcome.differences == [], [*map(str, outcome.kills), outcome.codes]


@pytest.mark.parametrize("target", sorted(name for name in legacy.TARGETS if "callbacks" in name))
def test_what_is_refused_says_what_to_use_instead(target):
    assert legacy.TARGETS[target] in resolve(target, [target.rpartition(".")[0]])
