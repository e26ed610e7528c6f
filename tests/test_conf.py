"""Every file of conf/ composes and is checked, all in one process without torch."""

import subprocess
import sys
import textwrap

import pytest
import yaml

from railyard.core.config.compose import Composition, bundled
from railyard.core.config.hydra_node import PLUGINS
from railyard.core.sweeping import config as sweepers
from railyard.core.sweeping.config import Sweeper
from railyard.core.verbs.table import verbs

CONF = bundled("conf")
GROUPS = sorted({str(file.parent.relative_to(CONF)) for file in CONF.rglob("*.yaml")} - {"."})
OPTIONS = [
    (str(file.parent.relative_to(CONF)), file.stem) for file in sorted(CONF.rglob("*.yaml")) if file.parent != CONF
]
GLOBAL = ("experiment", "debug", "hparams_search")
CHECK = """
    import sys
    from pathlib import Path
    from railyard.apps.train import Train
    from railyard.core.verbs import launch
    from railyard.core.training import rules
    from railyard.core.config.compose import Composition

    BESIDE = {"board_hard_move": ["model.encoder.head_type=action_policy"]}
    rules.NEEDS.clear()  # trackers need not be installed here
    conf, base = Path(sys.argv[1]), sys.argv[2:]
    count = 0
    for group in ("experiment", "debug", "hparams_search"):
        for file in sorted((conf / group).rglob("*.yaml")):
            name = str(file.relative_to(conf / group).with_suffix(""))
            words = [*base, f"{group}={name}"]
            if group == "experiment":
                words = [f"{group}={name}", *base]
            launch.check("train", Train, Composition("train", words), words)
            count += 1
    for group in ("trainer", "logger", "callbacks", "data", "model", "objective", "extras"):
        for file in sorted((conf / group).glob("*.yaml")):
            words = [f"{group}={file.stem}", *base, *BESIDE.get(file.stem, [])]
            launch.check("train", Train, Composition("train", words), words)
            count += 1
    heavy = [name for name in ("torch", "lightning", "numba") if name in sys.modules]
    print(count, heavy)
"""


@pytest.mark.slow
def test_every_option_is_checked_without_torch(work):
    base = ["data.pack=p", "data.tokenizer=t"]
    command = [sys.executable, "-c", textwrap.dedent(CHECK), str(CONF), *base]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    count, _, heavy = done.stdout.partition(" ")
    assert int(count) >= 20
    assert heavy.strip() in ("[]", "['numba']"), heavy


@pytest.mark.parametrize(("group", "option"), [pair for pair in OPTIONS if pair[0].startswith("hydra/launcher")])
def test_launchers_compose(group, option, work):
    assert Composition("train", [f"{group}={option}"]).config.hydra.launcher._target_ in PLUGINS


@pytest.mark.parametrize(("group", "option"), [pair for pair in OPTIONS if pair[0] == "hydra/sweeper"])
def test_sweepers_compose_and_are_checked(group, option, work):
    tree, faults = sweepers.chosen(Composition("train", [f"{group}={option}"]).config.hydra)
    assert faults == []
    assert isinstance(tree, Sweeper)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_a_config_that_says_what_it_is(verb):
    text = (CONF / f"{verb}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# does: ")
    assert {"allow", "json"} <= yaml.safe_load(text).keys()


@pytest.mark.parametrize("file", [f for g in GLOBAL for f in sorted((CONF / g).rglob("*.yaml"))], ids=lambda f: f.stem)
def test_files_that_set_keys_everywhere_say_so_and_why(file):
    first, second, *_ = file.read_text(encoding="utf-8").splitlines()
    assert first == "# @package _global_"
    assert second.startswith("# ")


def test_option_names_are_flat():
    assert not [pair for pair in OPTIONS if pair[0].count("/") and not pair[0].startswith(("hydra/", "experiment/"))]


def test_no_stray_groups():
    known = {
        "callbacks",
        "data",
        "debug",
        "extras",
        "hparams_search",
        "logger",
        "model",
        "objective",
        "paths",
        "strategy",
        "trainer",
    }
    assert {group for group in GROUPS if not group.startswith(("hydra/", "experiment/"))} == known
