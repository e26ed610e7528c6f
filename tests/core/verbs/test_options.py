"""Options of the command line as Hydra's users type them: each works, or is answered with what to write instead."""

import pytest
import yaml

from railyard.core.errors import UserError
from railyard.core.verbs.options import Call, parse

QUICK = ("train", "experiment=board/quickstart")


@pytest.mark.parametrize("words", [["--cfg", "job"], ["--cfg=job"], ["-c", "job"]])
def test_options_are_taken_out(words):
    assert parse(["a=1", *words, "b=2"]) == Call(("a=1", "b=2"), "job")
    assert parse(["a=1", "b=job"]) == Call(("a=1", "b=job"))


def test_all_of_them_together(work):
    (work / "my conf").mkdir()
    found = parse(["-c", "all", "--resolve", "-p", "trainer", "--config-dir", "my conf", "-r", "seed=1"])
    searched = f"hydra.searchpath=['file://{work}/my conf']"
    assert found == Call(("seed=1", searched), "all", None, True, "trainer")
    assert parse(["--info", "seed=1"]) == Call(("seed=1",), None, "all")
    assert parse(["-i", "defaults", "seed=1"]).info == "defaults"
    assert parse(["--info=plugins"]).info == "plugins"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-n"], "no option -n; options are --help, --cfg job"),
        (["--json"], "no option --json"),
        (["--cfg"], "--cfg takes job or hydra or all"),
        (["--cfg", "jop"], "got jop; did you mean 'job'?"),
        (["--info=default"], "got default; did you mean 'defaults'?"),
        (["--resolve"], "go with --cfg"),
        (["--config-dir", "nowhere"], "--config-dir nowhere: there is no such folder"),
        (["--config-name", "x"], "experiment=NAME chooses a file"),
        (["-cn", "x"], "experiment=NAME chooses a file"),
        (["--config-path", "x"], r"lie in ./conf, or in a folder named by --config-dir"),
        (["-sc", "install=bash"], "railyard completion bash"),
        (["--hydra-help"], "--cfg hydra lists them"),
        (["--experimental-rerun", "x"], "railyard replay run=RUN"),
    ],
)
def test_what_there_is_not_says_what_there_is(words, reason):
    with pytest.raises(UserError, match=reason.replace("?", r"\?").replace("(", r"\(")):
        parse(words)


def test_parts_of_the_config_are_printed(railyard, work):
    assert railyard(*QUICK, "--cfg", "job", "-p", "trainer.max_epochs").out == "6\n"
    assert (
        yaml.safe_load(railyard(*QUICK, "--cfg", "job", "--package", "paths").out)["data_dir"]
        == "${paths.root_dir}/data"
    )
    paths = yaml.safe_load(railyard(*QUICK, "--cfg", "job", "--resolve", "-p", "paths").out)
    assert paths["data_dir"] == "./data"
    assert paths["output_dir"].startswith(f"{work}/outputs/train/board/quickstart/")
    hydra = yaml.safe_load(railyard(*QUICK, "--cfg", "hydra").out)["hydra"]
    assert hydra["runtime"]["choices"]["experiment"] == "board/quickstart"
    both = yaml.safe_load(railyard(*QUICK, "-c", "all").out)
    assert {"hydra", "seed", "trainer"} <= both.keys()
    assert "has no such key" in railyard(*QUICK, "-c", "job", "-p", "trainer.nope").err
    assert list(work.iterdir()) == []


def test_where_a_config_comes_from(railyard, work):
    (work / "more" / "experiment").mkdir(parents=True)
    (work / "more" / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 41\n")
    found = yaml.safe_load(railyard("train", "experiment=mine", "--config-dir", "more", "--info").out)
    assert found["config"]["seed"] == 41
    assert {"config": "experiment/mine", "package": ""} in found["defaults"]
    assert f"file://{work}/more" in [each["path"] for each in found["searchpath"]]
    assert any("Launcher" in name for name in found["plugins"])
    only = yaml.safe_load(railyard("train", "--info", "searchpath").out)
    assert only.keys() == {"searchpath"}
