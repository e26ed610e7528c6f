"""Composition: overrides softened, Hydra's refusals as one sentence, users' files found, interpolation faults kept."""

import pytest
from omegaconf import OmegaConf

from railyard.apps.train import Train
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import bundled
from railyard.core.errors import UserError


@pytest.fixture(autouse=True)
def cwd(work):
    return work


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def sentence(*words, primary="train"):
    with pytest.raises(UserError) as caught:
        Composition(primary, words)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("word", ["data.new_key=3", "+data.new_key=3", "++data.new_key=3"])
def test_any_key_of_any_field_can_be_given(word):
    assert Composition("train", [word]).config.data.new_key == 3


def test_deleting_and_choosing():
    composition = Composition("train", ["~callbacks.saver", "trainer=gpu", "logger=[csv,tensorboard]"])
    assert "saver" not in composition.config.callbacks
    assert composition.config.trainer.accelerator == "gpu"
    assert "tensorboard" in composition.config.logger
    assert composition.choice("trainer") == "gpu"
    assert composition.choice("debug") is None


def test_null_leaves_a_group_out():
    assert "objective" not in Composition("train", ["objective=null"]).config
    assert Composition("train", ["debug=null"]).choice("debug") is None


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("trainer=gpuu", ["'trainer/gpuu'", "did you mean 'gpu'?", "available: cpu, ddp"]),
        ("experiment=board/quickstrat", ["did you mean 'experiment/board/quickstart'?"]),
        ("experiment=nothing_like_it", ["there is no", "experiment/board/quickstart"]),
        ("foo", ["'foo' is not key=value"]),
        ("=3", ["'=3' is not key=value"]),
        ("seed=[1", ["'seed=[1' cannot be read", "quote"]),
        ("seed=a=b", ["'seed=a=b' cannot be read"]),
        ("data={pack: x}", ["data takes the name of an option (board_annealed, board_learnable, board_pack, "]),
        ("trainer=3", ["trainer takes the name of an option"]),
        ("seed=1,2", ["'seed=1,2' gives several values", "add -m for a sweep"]),
        ("trainer=cpu,gpu", ["gives several values"]),
        ("seed=range(1,4)", ["gives several values"]),
        ("~data.nothing", ["data.nothing"]),
        ("~nothing", ["nothing"]),
        ("hydra.nothing=3", ["hydra.nothing"]),
        ("hydra.searchpath=[pkg://antigravity]", ["only folders are searched"]),
        ("hydra.searchpath=pkg://antigravity", ["only folders are searched"]),
        ("hydra.searchpath=['${oc.env:HOME}']", ["only folders are searched"]),
        ("hydra.searchpath=[structured://x]", ["only folders are searched"]),
        ("+trainer=gpu", ["trainer"]),
    ],
)
def test_a_mistake_is_one_sentence(word, parts):
    text = sentence(word)
    assert all(part in text for part in parts), text
    assert "++" not in text


def test_folders_may_be_searched(work):
    write(work / "more" / "experiment" / "mine.yaml", "# @package _global_\nseed: 5\n")
    composition = Composition("train", [f"hydra.searchpath=[file://{work}/more]", "experiment=mine"])
    assert composition.config.seed == 5


def test_local_default_is_read_when_it_is_there(work):
    write(work / "conf" / "local" / "default.yaml", "# @package _global_\nseed: 9\n")
    assert Composition("train", []).config.seed == 9
    assert Composition("train", ["seed=1"]).config.seed == 1


def test_the_users_options_win_over_shipped_ones_of_the_same_name(work):
    write(work / "conf" / "train.yaml", "seed: 3\n")  # of another program: the primary config is the verb's
    write(work / "conf" / "trainer" / "cpu.yaml", "defaults: [default, _self_]\naccelerator: cpu\nmax_epochs: 77\n")
    write(work / "conf" / "trainer" / "mine.yaml", "defaults: [cpu]\n")
    composition = Composition("train", ["trainer=cpu"])
    assert composition.config.trainer.max_epochs == 77
    assert "seed" not in composition.config
    assert composition.config.trainer._target_ == "lightning.pytorch.Trainer"
    assert composition.in_place_of_shipped == [work / "conf" / "trainer" / "cpu.yaml"]
    assert Composition("train", []).in_place_of_shipped == []
    assert "did you mean 'cpu'?; available: cpu, ddp, ddp_sim, default, gpu, mine, mps" in sentence("trainer=cpuu")


def test_a_broken_file_of_the_user_is_one_sentence_with_its_place(work):
    write(work / "conf" / "experiment" / "mine.yaml", "seed: [1\nb: 3\n")
    text = sentence("experiment=mine")
    assert "not readable YAML" in text
    assert "mine.yaml" in text
    assert "line" in text


def test_an_experiment_of_a_group_that_is_not_there(work):
    write(work / "conf" / "experiment" / "mine.yaml", "# @package _global_\ndefaults:\n- override /trainer: gpuu\n")
    assert "did you mean 'gpu'?" in sentence("experiment=mine")


def test_the_container_is_plain_and_resolved():
    plain, faults = Composition("pack", ["source=${bundled:samples}/board", "out=x", "paths.output_dir=x"]).container()
    assert faults == []
    assert plain["source"] == f"{bundled('samples')}/board"
    assert "hydra" not in plain


def test_unresolvable_values_are_faults_with_their_key(monkeypatch):
    monkeypatch.delenv("NOPE", raising=False)
    words = [
        "source=${nowhere}",
        "out=${oc.env:NOPE}",
        "allow=['${nowhere}']",
        "shard_rows=${shard_rows}",
        "paths.output_dir=x",
    ]
    plain, faults = Composition("pack", [*words, "paths.output_dir=x"]).container()
    assert {".".join(fault.key) for fault in faults} == {"source", "out", "allow.0", "shard_rows"}
    assert plain["source"] is None
    assert any("NOPE" in fault.message for fault in faults)


def test_given_pairs_keys_with_the_words_typed():
    composition = Composition("pack", ["source=a", "+out=b", "~shard_rows"])
    assert composition.given == [("source", "source=a"), ("out", "+out=b"), ("shard_rows", "~shard_rows")]


def test_two_compositions_do_not_disturb_each_other():
    first = Composition("train", ["seed=1"])
    second = Composition("train", ["seed=2"])
    assert (first.config.seed, second.config.seed) == (1, 2)


@pytest.mark.parametrize(
    "words",
    [
        ["seed=3", "data.new_key=[1,2]"],
        ["+model.x=1", "++data.batch_size=7"],
        ["trainer=gpu", "seed=4"],
        ["~callbacks.saver"],
        ["hydra.job.name=x"],
    ],
)
def test_a_varied_composition_is_what_a_new_one_would_be(words):
    base = ["trainer=cpu", "seed=1"] if "trainer=gpu" not in words else ["seed=1"]
    first = Composition("train", base)
    before = OmegaConf.to_container(first.config)
    varied, new = first.varied(words), Composition("train", [*base, *words])
    assert OmegaConf.to_container(varied.config) == OmegaConf.to_container(new.config)
    assert (varied.given, varied.overrides) == (new.given, new.overrides)
    assert OmegaConf.to_container(first.config) == before


@pytest.mark.parametrize("word", ["seed=1,2", "trainer=gpuu"])
def test_a_mistake_in_what_varies_is_one_sentence(word):
    with pytest.raises(UserError) as caught:
        Composition("train", ["seed=1"]).varied([word])
    assert "\n" not in str(caught.value)
    assert "++" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "folder"),
    [
        ("hydra.run.dir=my/run", "my/run"),
        ("hydra.run.dir='\"a b\"'", '"a b"'),
        ('hydra.run.dir="a b"', "a b"),
        ("hydra.run.dir=x/${hydra:job.name}/${seed}", "x/train/0"),
        ("experiment=mine", "from/mine"),
    ],
)
def test_the_run_folder_that_is_named(cwd, word, folder):
    text = "# @package _global_\nhydra: {run: {dir: 'from/${experiment_name}'}}\n"
    write(cwd / "conf" / "experiment" / "mine.yaml", text)
    composition = Composition("train", [word, "+experiment_name=mine"], root=Train)
    assert composition.run_dir == cwd / folder
    assert composition.sweep_dir is None


def test_a_folder_may_hold_the_time(cwd):
    composition = Composition("train", ["hydra.sweep.dir=${now:%Y}"])
    assert composition.sweep_dir.name.isdigit()
    assert Composition("train", []).run_dir is None


@pytest.mark.parametrize("word", ["hydra.run.dir=${nope}", "hydra.run.dir=${hydra:run.dir}"])
def test_a_folder_that_cannot_be_resolved(word):
    with pytest.raises(UserError, match=r"^hydra\.run\.dir: .*(nope|recursion)"):
        _ = Composition("train", [word]).run_dir
