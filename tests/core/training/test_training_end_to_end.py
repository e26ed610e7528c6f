"""`railyard train` as people call it: debug presets, no callbacks, a tracker, signals; what it says on the way."""

import signal

import pytest
import resume_harness as harness

pytestmark = pytest.mark.slow
SMALL = ("data.batch_size=2", "data.validation_batch_size=4")


def train(cwd, *words, kill=None):
    """Exit code, run folder and what was said on standard error."""
    code = harness.start(["train", *harness.TINY, *SMALL, *words], cwd, kill)
    folders = sorted(cwd.glob("outputs/train/none/*"))
    return code, folders[-1] if folders else None, (cwd / "stderr.txt").read_text()


@pytest.mark.parametrize("preset", ["fdr", "overfit", "limit", "profiler", "default"])
def test_debug_presets_work(preset, tmp_path):
    code, folder, said = train(tmp_path, f"debug={preset}", "callbacks.saver.every_n_steps=100")
    assert code == 0, said
    assert "Warning" not in said, said
    assert (folder / "checkpoints").exists() == (preset != "fdr")
    assert bool(list(folder.glob("*profile*"))) == (preset == "profiler"), [*folder.iterdir()]


def test_without_callbacks(tmp_path):
    words = [word for word in harness.TINY if not word.startswith("callbacks.")]
    code = harness.start(["train", *words, "callbacks=none", "trainer=cpu", "trainer.max_epochs=1"], tmp_path)
    assert code == 0, (tmp_path / "stderr.txt").read_text()
    assert not list(tmp_path.rglob("*.ckpt"))


def test_a_tracker_writes_beside_the_plain_files(tmp_path):
    pytest.importorskip("tensorboard")
    code, folder, said = train(tmp_path, "logger=tensorboard", "trainer.limit_train_batches=20")
    assert code == 0, said
    assert list((folder / "tensorboard").glob("events.*"))
    assert (folder / "metrics.jsonl").exists()


def test_a_normal_run_says_nothing_twice_and_warns_of_nothing(tmp_path):
    code, folder, said = train(tmp_path, "trainer.limit_train_batches=20", "data.workers=2")
    assert code == 0, said
    assert "Warning" not in said
    lines = [line for line in said.splitlines() if line.strip()]
    assert len(lines) == len(set(lines)), said
    assert said.count("train 80/80 steps") == 1
    logged = (folder / "log.txt").read_text().splitlines()
    assert len(logged) == len(set(logged))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_says_so_and_leaves_a_report(number, tmp_path):
    code, folder, said = train(tmp_path, "trainer.limit_train_batches=20", kill=harness.Kill(number, "batch", 30))
    assert code == 130
    assert f"stopped; {signal.Signals(number).name} after step 30, saved to step-000000030.ckpt" in said
    assert "30 optimizer steps" in (folder / "report.md").read_text()
    assert harness.start(["train", f"resume={folder}"], tmp_path) == 0
    assert "80 optimizer steps" in (folder / "report.md").read_text()
