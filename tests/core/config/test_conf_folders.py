"""Folders of configs: the user's are found, and what nobody named sets values and admits nothing."""

import pytest

from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import known_experiments
from railyard.core.errors import UserError


@pytest.fixture(autouse=True)
def cwd(work):
    return work


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_an_experiment_of_the_working_directory_is_found(work):
    write(work / "conf" / "experiment" / "mine.yaml", "# @package _global_\nseed: 7\n")
    assert Composition("train", ["experiment=mine"]).config.seed == 7
    assert "experiment/mine" in known_experiments()
    with pytest.raises(UserError, match=r"did you mean 'mine'\?"):
        Composition("train", ["experiment=mne"])


@pytest.mark.parametrize(
    ("file", "text", "key"),
    [
        ("callbacks/default.yaml", "# @package _global_\nallow: [my.Class]\n", "allow"),
        ("trainer/default.yaml", "defaults: [/experiment/other]\n", "allow"),
        ("experiment/board/quickstart.yaml", "# @package _global_\nallow: [my.Class]\n", "allow"),
        ("paths/default.yaml", "# @package _global_\nhydra: {launcher: {setup: [x]}}\n", "hydra.launcher.setup"),
    ],
)
def test_what_is_read_without_being_named_admits_nothing(work, file, text, key):
    write(work / "conf" / file, text)
    write(work / "conf" / "experiment" / "other.yaml", "# @package _global_\nallow: [my.Class]\n")
    composition = Composition("train", ["experiment=board/quickstart"])
    with pytest.raises(UserError, match=rf"{key} may not stand there: the file is read without being named"):
        _ = composition.in_place_of_shipped


@pytest.mark.parametrize(
    "text",
    [
        "allow: [os.system]",
        "defaults: [{override /model: evil}]",
        "callbacks: {x: {_target_: os.system}}",
        "hydra: {launcher: {setup: [rm x]}}",
        "hydra: {searchpath: ['file:///x']}",
    ],
)
def test_what_is_read_without_being_named_sets_values_only(text, work):
    (work / "conf" / "local").mkdir(parents=True)
    (work / "conf" / "local" / "default.yaml").write_text(f"# @package _global_\n{text}\n")
    with pytest.raises(UserError, match=r"conf/local/default\.yaml: .* may not stand there"):
        Composition("train", ["experiment=board/quickstart"])
