"""Config files that Hydra would answer with a traceback: each is one sentence that names the file."""

import pytest
from omegaconf import OmegaConf

from railyard.core.config import hydra_private
from railyard.core.config.compose import Composition
from railyard.core.config.config_files import ConfigFiles
from railyard.core.errors import UserError

HEAD = b"# @package _global_\n"


@pytest.fixture
def experiment(work):
    """Writes `conf/experiment/NAME.yaml`."""
    (work / "conf" / "experiment").mkdir(parents=True)
    return lambda name, data: (work / "conf" / "experiment" / f"{name}.yaml").write_bytes(data)


def sentence(*words):
    with pytest.raises(UserError) as caught:
        Composition("train", words)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"defaults: board_pack", "defaults is a list, such as [override /model: board_encoder, _self_], got 'board_"),
        (b"defaults: {model: x}", "defaults is a list"),
        (b"defaults: [{a: {b: c}}]", "an entry of defaults is a name or 'group: name'"),
        (b"defaults: [{a: b, c: d}]", "an entry of defaults is"),
        (b"defaults: [3]", "an entry of defaults is"),
        (b"task_name: caf\xe9", "is not UTF-8 (byte 34): save it as UTF-8"),
        (b"- 1", "holds no keys"),
    ],
)
def test_what_is_no_config(experiment, data, part):
    experiment("mine", HEAD + data)
    assert f"conf/experiment/mine.yaml{':' if 'defaults' in part else ''} {part}" in sentence("experiment=mine")


@pytest.mark.parametrize("text", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(experiment, text):
    experiment("mine", "seed: 1\n".encode(text))
    assert "conf/experiment/mine.yaml begins with a byte order mark" in sentence("experiment=mine")


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"a": b"defaults: [a]"}, "experiment/a -> experiment/a;"),
        ({"a": b"defaults: [/experiment/a, _self_]"}, "experiment/a -> experiment/a;"),
        (
            {"a": b"defaults: [b]", "b": b"defaults: [c]", "c": b"defaults: [b]"},
            "experiment/b -> experiment/c -> ",
        ),
    ],
)
def test_files_that_name_each_other_in_a_circle(experiment, files, names):
    for name, text in files.items():
        experiment(name, HEAD + text)
    assert f"defaults lists lead back to where they began: {names}" in sentence("experiment=a")


def test_what_a_defaults_list_may_hold(experiment):
    experiment("base", HEAD + b"seed: 5")
    entries = b"[base, _self_, {override /trainer: gpu}, {override /objective: null}, {override /logger: [csv]}]"
    experiment("mine", HEAD + b"defaults: " + entries)
    config = Composition("train", ["experiment=mine"]).config
    assert (config.seed, config.trainer.accelerator) == (5, "gpu")


@pytest.mark.parametrize("word", ["experiment=caf\udce9", "data.pack='caf\udce9'"])
def test_words_that_are_not_utf8(work, word):
    assert sentence(word).endswith("is not UTF-8: give the file or folder a name that is, or a link that has one")


def test_a_fresh_config_has_the_folders_of_hydra(work):
    hydra = Composition("train", []).config.hydra
    dirs = {name: OmegaConf.to_container(hydra[name])["dir"] for name in ("run", "sweep")}
    assert dirs == hydra_private.OUTPUT_DIRS


def test_hydra_may_register_its_own_class_again_as_it_does_in_the_processes_of_jobs(work):
    Composition("train", [])
    registry = hydra_private.SourcesRegistry.instance()
    registry.register(hydra_private.FileConfigSource)
    assert registry.resolve("file") is ConfigFiles
