import os

import pytest

from railyard.core.errors import UserError
from railyard.core.runs.trust import refuse_admissions, refuse_links, refuse_paths
from railyard.core.store.journal import Journal
from railyard.core.store.lock import is_locked, locked


def test_what_a_stored_config_admits_counts_only_again(tmp_path):
    stored = {"allow": ["mine.Model", "subprocess.Popen"]}
    with pytest.raises(UserError, match=r"admits subprocess.Popen, .* add allow=\[mine.Model,subprocess.Popen\]"):
        refuse_admissions(stored, ["mine.Model"], tmp_path)
    refuse_admissions(stored, ["subprocess.Popen", "mine.Model"], tmp_path)
    for nothing in ({}, {"allow": None}, {"allow": []}):
        refuse_admissions(nothing, [], tmp_path)
    with pytest.raises(UserError, match=r"admits os.system"):
        refuse_admissions({"allow": "os.system"}, [], tmp_path)


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ({"out": "/elsewhere"}, "out"),
        ({"out": "pool"}, "out"),
        ({"logger": {"tb": {"save_dir": "/elsewhere"}}}, "logger.tb.save_dir"),
        ({"logger": {"tb": {"save_dir": "logs"}}}, "logger.tb.save_dir"),
        ({"logger": {"ml": {"tracking_uri": "sqlite:////elsewhere/a.db"}}}, "logger.ml.tracking_uri"),
        ({"callbacks": {"x": {"dirpath": "/elsewhere"}}}, "callbacks.x.dirpath"),
        ({"callbacks": {"x": {"note": "../up"}}}, "callbacks.x.note"),
        ({"client": {"token_file": "secret"}}, "client.token_file"),
        ({"client": {"tls": {"key": "/elsewhere"}}}, "client.tls.key"),
        ({"client": {"metrics_file": "lines"}}, "client.metrics_file"),
        ({"trainer": {"profiler": {"dirpath": "/elsewhere"}}}, "trainer.profiler.dirpath"),
        ({"trainer": {"profiler": {"filename": "../../x"}}}, "trainer.profiler.filename"),
    ],
)
def test_paths_of_a_stored_config_lie_in_its_folder(part, key, tmp_path):
    with pytest.raises(UserError, match=f"{key}=.* lies outside the run folder"):
        refuse_paths(part, tmp_path)
    refuse_paths(part, tmp_path, [key])
    refuse_paths(part, tmp_path, [key.rpartition(".")[0] or key])


def test_paths_inside_and_other_values_are_taken(tmp_path):
    logger = {
        "tb": {"save_dir": str(tmp_path), "name": "tensorboard", "version": ""},
        "ml": {"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db", "artifact_location": f"{tmp_path}/mlruns"},
        "http": {"tracking_uri": "http://127.0.0.1:5000"},
    }
    refuse_paths({"logger": logger, "callbacks": None, "trainer": {"profiler": {"filename": "perf"}}}, tmp_path)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    for below in (folder / "checkpoints", folder / ".hydra"):
        below.mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 1")
    (folder / "checkpoints" / "step-000000001.ckpt").write_text("x")
    (folder / "checkpoints" / "last.ckpt").symlink_to("step-000000001.ckpt")
    return folder


def test_a_run_folder_of_our_own_passes(run):
    refuse_links(run)


@pytest.mark.parametrize(
    "name", [".lock", "log.txt", "metrics.jsonl", "checkpoints/step-000000002.ckpt", ".hydra/config.yaml", "init"]
)
def test_links_are_not_followed(run, name, tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    (run / name).symlink_to(target)
    with pytest.raises(UserError, match=f"{name} is a link, which is not followed"):
        refuse_links(run)


def test_linked_folders_and_pipes_are_refused(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (run / ".hydra").rmdir()
    (run / ".hydra").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="is a link"):
        refuse_links(run)
    (run / ".hydra").unlink()
    os.mkfifo(run / "timings.jsonl")
    with pytest.raises(UserError, match="is not a regular file"):
        refuse_links(run)


def test_the_best_checkpoint_is_a_link_within_its_folder_only(run, tmp_path):
    (run / "checkpoints" / "best.ckpt").symlink_to(tmp_path / "x.ckpt")
    with pytest.raises(UserError, match=r"best.ckpt is a link"):
        refuse_links(run)


def test_our_own_files_are_opened_without_following_links(tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / ".lock").symlink_to(target)
    (tmp_path / "metrics.jsonl").symlink_to(target)
    with pytest.raises(UserError, match=r"\.lock is a link"), locked(tmp_path):
        pass
    assert not is_locked(tmp_path)
    with pytest.raises(UserError, match=r"metrics\.jsonl is a link"):
        Journal(tmp_path / "metrics.jsonl")
    assert target.read_text() == "precious"
