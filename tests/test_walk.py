"""The guide is true: its commands run as they stand, and the habits of Lightning's and Hydra's users are answered."""

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("walk_guide", ROOT / "scripts" / "walk_guide.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_commands_are_found_in_the_blocks_of_a_page(script):
    page = "```\nrailyard pack a=1\nother\nrailyard train x \\\n  y\n```\n```yaml\nrailyard: no\n```\n`railyard runs`\n"
    page += "```\n$ railyard runs where='a<1'\nname  verb\n```\n```\nrailyard train: the config has 2 faults\n```\n"
    found = [" ".join(line.split()) for line in script.commands(page)]
    assert found == ["railyard pack a=1", "railyard train x y", "railyard runs where='a<1'"]
    assert len([*script.commands(script.GUIDE.read_text(encoding="utf-8"))]) >= 10


@pytest.mark.slow
def test_the_guides_commands_run_as_they_stand(script, tmp_path):
    walked = list(script.walk(tmp_path))
    assert [f"{each.typed}\n{each.errors}" for each in walked if each.code] == []


# what the README of lightning-hydra-template tells its users to type, after `python src/train.py`
HABITS = [
    ("trainer=cpu", 0, "steps"),
    ("trainer=gpu", 2, "no CUDA device here"),
    ("trainer=mps", 2, "mps is of Macs"),
    ("trainer=ddp trainer.devices=4", 2, "no CUDA device here"),
    ("trainer=ddp_sim trainer.devices=2", 0, "ranks"),
    ("trainer.max_epochs=20 model.optimizer.lr=1e-4", 0, "steps"),
    ("+model.new_param=owo", 2, "model.new_param: unknown key"),
    ("model.lr=0.0005", 2, "did you mean 'model.optimizer.lr'"),
    ("+trainer.precision=bf16-mixed trainer=cpu", 0, "steps"),
    ("+trainer.gradient_clip_val=0.5 +trainer.val_check_interval=0.25", 0, "steps"),
    ("+trainer.accumulate_grad_batches=10 +trainer.max_time=00:12:00:00", 0, "steps"),
    ("+trainer.limit_train_batches=0.2 +trainer.detect_anomaly=true", 0, "steps"),
    ("logger=csv tags=[benchmark] seed=12345 +trainer.deterministic=True", 0, "steps"),
    ("experiment=example", 2, "available: experiment/board/10m"),
    ("ckpt_path=/path/to/ckpt/name.ckpt", 2, "there is no checkpoint /path/to/ckpt/name.ckpt"),
    ("callbacks=none", 0, "steps"),
    ("test=true train=false", 2, "with test=true and ckpt_path=CHECKPOINT it evaluates one"),
    ("hydra.run.dir=${paths.root_dir}/runs/my run (${now:%Y})", 0, "steps"),
    ("callbacks.model_checkpoint.save_top_k=3", 2, "callbacks.saver saves: monitor, mode, keep"),
    ("callbacks.early_stopping.patience=10", 2, "EarlyStopping with its monitor"),
    ("callbacks.rich_progress_bar._target_=lightning.pytorch.callbacks.RichProgressBar", 2, "callbacks.progress shows"),
    ("-m data.batch_size=32,64 model.optimizer.lr=0.001,0.0005", 0, "grid of data.batch_size (2) x model.optimizer.lr"),
    ("-m hparams_search=mnist_optuna", 2, "available: board"),
    ("-m hparams_search=board", 0, "by Optuna's tpe sampler"),
    ("-m seed=1,1", 2, "are the same job"),
    ("-m", 0, "nothing is varied"),
    *((f"debug={name}", 0, "steps") for name in ("default", "fdr", "limit", "overfit", "profiler")),
]


@pytest.fixture
def data(work, tiny_pack, tiny_tokenizer):
    shutil.copytree(tiny_pack, work / "data" / "board" / "sample")
    shutil.copy(tiny_tokenizer, work / "data" / "board" / "tokenizer.json")
    return work


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "code", "said"), HABITS, ids=[typed for typed, *_ in HABITS])
def test_a_habit_works_or_is_answered(typed, code, said, railyard, data, monkeypatch):
    monkeypatch.setattr("railyard.core.training.devices.visible_gpus", list)
    words = [typed] if "hydra.run.dir" in typed else typed.split()
    own = () if any(word.startswith("experiment=") for word in words) else ("experiment=board/quickstart",)
    done = railyard("train", *own, "data.batch_size=16", *words, "validate_config=true")
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (data / "outputs").exists()
