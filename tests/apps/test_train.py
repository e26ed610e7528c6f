"""`railyard train`: what is checked before anything is built, the plan, and a model of one's own."""

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import railyard as package
from railyard.core.config import targets

MODEL = """
import lightning.pytorch as pl
import torch

class MyModel(pl.LightningModule):
    def __init__(self, width: int, optimizer, total_steps: int, data, rate: float = 0.1):
        super().__init__()
        layers = torch.nn.Embedding(18, width), torch.nn.Flatten(), torch.nn.Linear(16 * width, 4)
        self.net = torch.nn.Sequential(*layers)
        self.optimizer, self.total_steps = optimizer, total_steps

    def training_step(self, batch, batch_idx):
        loss = torch.nn.functional.cross_entropy(self.net(batch.tokens.long()), batch.moves.long())
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self):
        return self.optimizer(self.parameters())
"""
STOPPING = "+callbacks.stop._target_=lightning.pytorch.callbacks.EarlyStopping"
EXPERIMENT = """# @package _global_
# a model of one's own on the board's rows
defaults:
  - override /model: null
  - override /objective: null
  - override /trainer: cpu
allow: [my_module.MyModel]
model:
  _target_: my_module.MyModel
  width: 4
  optimizer:
    _target_: torch.optim.SGD
    _partial_: true
    lr: 0.1
callbacks:
  saver:
    monitor: null
trainer:
  max_epochs: 1
"""


@pytest.fixture
def check(railyard, tiny_pack, tiny_tokenizer):
    """`check(words…)`: validate_config=true of the quickstart on the tiny pack."""
    base = ("experiment=board/quickstart", f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}")

    def run(*words):
        return railyard("train", *base, "validate_config=true", *words)

    return run


def sentences(done):
    return dict(line.strip().split(": ", 1) for line in done.err.splitlines() if line.startswith("  "))


def test_the_plan_is_printed_and_nothing_is_made(check, work):
    done = check("data.batch_size=64")
    assert (done.code, done.out) == (0, "")
    assert "1,200 rows in 3 runs; 800 to train on, 400 held out" in done.err
    assert "of 64 rows; 12 batches an epoch" in done.err
    assert list(work.iterdir()) == []


def test_the_plan_names_files_of_ones_own_that_stand_in_for_shipped_ones(check, work):
    (work / "conf" / "trainer").mkdir(parents=True)
    text = "defaults: [default, _self_]\naccelerator: cpu\nmax_epochs: 3\n"
    (work / "conf" / "trainer" / "cpu.yaml").write_text(text)
    assert "  yours      conf/trainer/cpu.yaml, in place of the one that ships" in check("data.batch_size=64").err


def test_json_is_one_line_with_the_plan(check):
    done = check("json=true")
    assert done.json["valid"] is True
    assert done.out.count("\n") == 1
    assert "\n".join(done.json["plan"]) == done.err.rstrip()


def test_all_faults_with_key_value_allowed_nearest_and_place(check):
    found = sentences(
        check(
            "+typo=1",
            "++a.typo=1",
            "batch_size=3",
            "data.batchsize=4",
            "data.validation_fraction=2",
            "model.encoder.hidden_size=127",
            "trainer.max_epoch=3",
            "trainer.max_steps=abc",
            "callbacks.saver.mode=mix",
            "seed=???",
        )
    )
    assert found.keys() == {
        "typo",
        "a",
        "batch_size",
        "data.batchsize",
        "data.validation_fraction",
        "model.encoder",
        "trainer.max_epoch",
        "trainer.max_steps",
        "callbacks.saver.mode",
        "seed",
    }
    assert "did you mean 'data.batch_size'?" in found["batch_size"]
    assert "did you mean 'batch_size'?" in found["data.batchsize"]
    assert found["data.validation_fraction"] == (
        "must be less than 1, got 2  [command line: data.validation_fraction=2]"
    )
    assert found["typo"].endswith("[command line: +typo=1]")
    assert found["a"].endswith("[command line: ++a.typo=1]")


@pytest.mark.parametrize(
    "words",
    [
        ["data._target_=os.system"],
        ["model.optimizer._target_=builtins.eval"],
        ["+callbacks.x._target_=subprocess.Popen", "+callbacks.x.args=[touch,hit]"],
        [
            "+callbacks.x._target_=railyard.core.store.durable.write_text",
            "+callbacks.x.path=hit",
            "+callbacks.x.text=x",
        ],
        ["+callbacks.x._target_=functools.partial"],
        ["+callbacks.x._target_=hydra.utils.instantiate"],
        ["+trainer.strategy={_target_: torch.load, f: hit}"],
        ["+trainer.devices=[{_target_: os.system, command: 'touch hit'}]"],
        ["+paths.x._target_=os.system"],
        ["+hydra.callbacks.x._target_=os.system"],
        ["hydra.launcher._target_=os.system"],
        ["_target_=os.system"],
        ["allow=[os.system]", "+callbacks.x._target_=os.system"],
        [
            "allow=[railyard.core.store.durable.write_text]",
            "+callbacks.x._target_=railyard.core.store.durable.write_text",
        ],
        ["allow=[railyard.core.config.compose]", "+callbacks.x._target_=railyard.core.config.compose.OmegaConf"],
        ["+callbacks.x._target_='${oc.decode:os.system}'"],
        ["data._target_=railyard.core.training.experiment.Experiment"],
        ["data._args_=[1]"],
        ["data._partial_=true"],
    ],
    ids=lambda words: words[0],
)
def test_hostile_configs_are_refused(check, words, work):
    done = check(*words)
    assert (done.code, done.out) == (2, "")
    assert "nothing was started" in done.err
    assert not (work / "hit").exists()


def test_a_pack_that_is_not_there_is_one_sentence(railyard):
    done = railyard("train", "experiment=board/quickstart", "data.pack=nowhere", "validate_config=true")
    assert done.code == 2
    assert sentences(done).keys() == {"data.pack"}
    assert done.err.rstrip().endswith("[command line: data.pack=nowhere]")


@pytest.mark.parametrize(
    ("word", "key", "part"),
    [
        (
            "data.batch_size=801",
            "data.batch_size",
            "data.batch_size=801 is larger than the 800 rows to train on: lower",
        ),
        ("data.tokenizer=nowhere", "data.tokenizer", "nowhere"),
        ("objective=board_binned_ev", "data.tokenizer", "does not fit the objective BinnedEv: make one with"),
        ("model.encoder.input_vocab_size=3", "model.encoder.input_vocab_size", "knows tiles up to 4, the pack holds"),
        ("model.encoder.output_n_bins=3", "model.encoder.output_n_bins", "does not fit the tokenizer"),
    ],
)
def test_what_only_the_files_tell_is_a_fault_of_its_key(check, word, key, part):
    done = check(word)
    assert (done.code, done.out) == (2, "")
    found = sentences(done)
    assert list(found) == [key]
    assert part in found[key]
    assert "[command line: " in found[key]


@pytest.mark.parametrize(
    ("words", "key", "part"),
    [
        (["trainer.accelerator=gpu"], "trainer.accelerator", "no CUDA device here"),
        (["trainer.devices=0"], "trainer.devices", "a number from 1"),
        (["trainer.max_time=soon"], "trainer.max_time", "days:hours:minutes:seconds"),
        (["trainer.limit_train_batches=1.5"], "trainer.limit_train_batches", "a share of them from 0.0 to 1.0"),
        (["trainer.val_check_interval=5"], "trainer.val_check_interval", "an epoch has 3: give 3 or less"),
        (["ckpt_path=none.ckpt"], "ckpt_path", "there is no checkpoint none.ckpt"),
        ([STOPPING, "callbacks.stop.monitor=val/los"], "callbacks.stop.monitor", "did you mean 'val/loss'?"),
        (["callbacks.saver.monitor=val/agreement"], "callbacks.saver.monitor", "this model logs train/loss, val/loss"),
    ],
    ids=lambda part: part[-1] if isinstance(part, list) else "",
)
def test_what_has_to_fail_is_not_called_valid(check, work, monkeypatch, words, key, part):
    monkeypatch.setattr("railyard.core.training.devices.visible_gpus", list)
    done = check(*words)
    assert (done.code, done.out) == (2, "")
    assert part in sentences(done)[key]
    assert list(work.iterdir()) == []


@pytest.mark.slow
def test_a_checkpoint_of_another_architecture_is_told_before_anything_is_made(check, railyard, work):
    small = ("model.encoder.hidden_size=16", "model.encoder.num_attention_heads=2")
    assert check("validate_config=false", "trainer.max_steps=1", "callbacks.report=null", *small).code == 0
    (checkpoint,) = work.glob("outputs/*/*/*/*/checkpoints/last.ckpt")
    done = check(f"ckpt_path={checkpoint}")
    assert (done.code, done.out) == (2, "")
    assert "does not fit this model" in sentences(done)["ckpt_path"]
    assert check(f"ckpt_path={checkpoint}", *small).code == 0


def test_the_whole_config_is_printed_when_asked(check):
    assert "batch_size: 99" in check("extras.print_config=true", "data.batch_size=99").err
    assert "did you mean 'print_config'?" in check("extras.print_confg=true").err


def test_a_sweeps_file_is_not_run_as_one_job(railyard, tiny_pack, tiny_tokenizer, work):
    done = railyard("train", f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", "hparams_search=board_grid")
    assert done.code == 2
    assert "describes a sweep" in done.err
    assert not (work / "outputs").exists()


@pytest.fixture
def own(work, monkeypatch):
    """A model and an experiment of the user's own in the working directory."""
    targets.parsed.cache_clear()  # each test has another working directory
    (work / "my_module.py").write_text(MODEL)
    (work / "conf" / "experiment").mkdir(parents=True)
    (work / "conf" / "experiment" / "mine.yaml").write_text(EXPERIMENT)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return work


@pytest.fixture
def check_own(own, railyard, tiny_pack, tiny_tokenizer):
    base = ("experiment=mine", f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", "data.batch_size=64")

    def run(*words):
        return railyard("train", *base, "validate_config=true", *words)

    return run


def test_a_model_of_ones_own_is_admitted_printed_and_not_imported(check_own):
    done = check_own()
    assert done.code == 0, done.err
    assert "allowed    my_module.MyModel, a class of yours" in done.err
    assert "my_module" not in sys.modules


def test_its_keys_are_checked_too(check_own):
    found = sentences(check_own("model.widht=3", "model.width=x", "model.total_steps=3"))
    assert "did you mean 'width'?" in found["model.widht"]
    assert found["model.width"].startswith("must be int, got 'x'")
    assert "supplied by Railyard" in found["model.total_steps"]


def test_it_is_refused_without_allow(check_own):
    found = sentences(check_own("allow=[]"))
    assert "add allow=[my_module.MyModel]" in found["model._target_"]
    assert found["model._target_"].endswith("[conf/experiment/mine.yaml:9]")


def test_a_test_that_cannot_be_run_is_refused_before_the_fit(check_own, own):
    assert "my_module.MyModel has no test_step" in sentences(check_own("test=true"))["test"]
    more = "\n    def test_step(self, batch, batch_idx):\n        self.log('test/x', 1.0)\n"
    (own / "my_module.py").write_text(MODEL + more)
    targets.parsed.cache_clear()
    assert check_own("test=true").code == 0


def test_a_module_that_does_not_import_is_told_without_importing_it(check_own, own):
    (own / "my_module.py").write_text("import not_installed_anywhere\n" + MODEL)
    targets.parsed.cache_clear()
    done = check_own()
    assert "there is no module not_installed_anywhere (my_module.py, line 1)" in sentences(done)["allow"]
    assert "my_module" not in sys.modules
    targets.parsed.cache_clear()


def subprocess_of(work, *words):
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    command = [sys.executable, "-m", "railyard.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=work, env=environment, timeout=300)


@pytest.mark.slow
def test_a_model_of_ones_own_trains(own, tiny_pack, tiny_tokenizer):
    words = [f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", "data.batch_size=64", "json=true"]
    done = subprocess_of(own, "train", "experiment=mine", "hydra.run.dir=run", *words)
    assert done.returncode == 0, done.stderr
    assert (own / "run" / "report.md").is_file()
    assert (own / "run" / "checkpoints" / "last.ckpt").exists()


def test_a_check_needs_no_torch(work, tiny_pack, tiny_tokenizer):
    code = f"""
        import sys
        from railyard.cli import main
        words = ["train", "experiment=board/quickstart", "data.pack={tiny_pack}", "data.tokenizer={tiny_tokenizer}"]
        assert main([*words, "validate_config=true"]) == 0
        assert "torch" not in sys.modules
        assert "lightning" not in sys.modules
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_search_over_a_range_that_diverges_elects_a_finite_trial(railyard, work, tiny_pack, tiny_tokenizer):
    base = ("experiment=board/quickstart", f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}")
    small = (
        "trainer.max_steps=6",
        "trainer.val_check_interval=3",
        "data.batch_size=64",
        "model.encoder={hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}",
        "model.schedule.warmup_steps=0",
        "callbacks.report.plots=false",
    )
    search = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", "hydra.sweeper.sampler=random", "hydra.sweep.dir=s")
    lr = "model.optimizer.lr=tag(log, interval(1e-3, 1e30))"
    done = railyard("train", "-m", *base, *small, *search, lr, "json=true")
    assert done.out, done.err
    told = json.loads(done.out.splitlines()[-1])
    assert (done.code, told["jobs"]) == (1, 6)
    assert 0 < told["failed"] < 6
    assert "diverged" in done.err
    assert math.isfinite(told["best"]["val/loss"])
    best = json.loads((Path(told["best"]["job"]) / "outcome.json").read_text())
    assert best["state"] == "complete"
    assert (Path(told["best"]["job"]) / "init").is_dir()
