"""Every file of conf/ composes and is checked, all in one process without torch."""

import subprocess
import sys
import textwrap

import pytest
import yaml

from railyard.apps.train import Train
from railyard.core.config import targets
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import bundled
from railyard.core.config.defaults import plain
from railyard.core.config.hydra_node import LAUNCHERS
from railyard.core.config.knobs import knobs
from railyard.core.config.targets import path_of
from railyard.core.sweeping.config import Sweeper, chosen_sweeper
from railyard.core.training.callbacks.config import Saver
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
    from railyard.core.training import devices, rules, trainer_values
    from railyard.core.verbs import launch
    from railyard.core.config.compose import Composition

    BESIDE = {"board_hard_move": ["model.encoder.head_type=action_policy"]}
    ANNOTATED = ("board/rejection", "board_wrong", "board_learnable", "board_annealed", "board_unsure")
    rules.NEEDS.clear()  # trackers need not be installed here
    devices.visible_gpus = lambda: ["0"] * 8  # nor any device be there
    trainer_values.missing = lambda _: ""
    conf, given = Path(sys.argv[1]), sys.argv[2:]
    count = 0

    def beside(name):  # other rails take no tokenizer, and options of a rail go with the rail's others
        if name.startswith("tlg8_"):
            return ["experiment=tlg8/quickstart", given[0]]
        if name.startswith("stage2_"):
            return ["experiment=stage2/quickstart"]
        if name.startswith("stage2/"):
            return ["model.network.weights.folder=f"] if name.endswith("ab_tiny") else []
        session = ["paths.annotations.sample=s"] if name.startswith(ANNOTATED) else []
        return given[:1] if name.startswith("tlg8/") else [*given, *session]

    for group in ("experiment", "debug", "hparams_search"):
        for file in sorted((conf / group).rglob("*.yaml")):
            name = str(file.relative_to(conf / group).with_suffix(""))
            words = [*beside(name), f"{group}={name}"]
            if group == "experiment":
                words = [f"{group}={name}", *beside(name)]
            launch.check("train", Train, Composition("train", words, root=Train), words)
            count += 1
    for group in ("trainer", "logger", "callbacks", "data", "model", "objective", "extras"):
        for file in sorted((conf / group).glob("*.yaml")):
            words = [f"{group}={file.stem}", *beside(file.stem), *BESIDE.get(file.stem, [])]
            launch.check("train", Train, Composition("train", words, root=Train), words)
            count += 1
    heavy = [name for name in ("torch", "lightning", "numba") if name in sys.modules]
    print(count, heavy)
"""


@pytest.mark.slow
def test_every_option_is_checked_without_torch(work):
    given = ["data.pack=p", "data.tokenizer=t"]
    command = [sys.executable, "-c", textwrap.dedent(CHECK), str(CONF), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    count, _, heavy = done.stdout.partition(" ")
    assert int(count) >= 20
    assert heavy.strip() in ("[]", "['numba']"), heavy


@pytest.mark.parametrize(("group", "option"), [pair for pair in OPTIONS if pair[0].startswith("hydra/launcher")])
def test_launchers_compose(group, option, work):
    assert Composition("train", [f"{group}={option}"]).config.hydra.launcher._target_ in LAUNCHERS


@pytest.mark.parametrize(("group", "option"), [pair for pair in OPTIONS if pair[0] == "hydra/sweeper"])
def test_sweepers_compose_and_are_checked(group, option, work):
    tree, faults = chosen_sweeper(Composition("train", [f"{group}={option}"]).config.hydra)
    assert faults == []
    assert isinstance(tree, Sweeper)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_a_config_that_says_what_it_is(verb):
    text = (CONF / f"{verb}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# does: ")
    assert isinstance(yaml.safe_load(text), dict)


def repeated(cls, values, key=()):
    """Dotted keys of values that are their component's default."""
    for name, value in values.items():
        knob = knobs(cls).get(name)
        if knob and not knob.required and value == plain(knob.default, knob):
            yield ".".join((*key, name))
        elif isinstance(value, dict):
            section = knob.section if knob else None
            yield from repeated_below(value, (*key, name), section)


def repeated_below(values, key, section=None):
    found = targets.resolve(values["_target_"], []) if "_target_" in values else section
    if isinstance(found, type):
        yield from repeated(found, values, key)
        return
    for name, value in values.items():
        if isinstance(value, dict):
            yield from repeated_below(value, (*key, name))


SHIPPED = [file for file in sorted(CONF.rglob("*.yaml")) if file.relative_to(CONF).parts[0] not in GLOBAL]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(CONF)))
def test_no_file_repeats_a_default(file):
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    group = file.parent.relative_to(CONF).name
    root = verbs()[file.stem].load() if file.parent == CONF else None
    section = root or (knobs(Train)[group].section if group in knobs(Train) else None)
    assert [*repeated_below(values, (), section)] == []


def test_a_repeated_default_is_seen():
    saver = {"_target_": path_of(Saver), "monitor": "val/loss", "keep": 5}
    values = {"seed": 0, "tags": ["x"], "extras": {"print_config": False}, "callbacks": {"saver": saver}}
    assert [*repeated(Train, values)] == ["seed", "extras", "callbacks.saver.monitor"]


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
        "features",
        "hparams_search",
        "logger",
        "model",
        "objective",
        "paths",
        "strategy",
        "trainer",
    }
    assert {group for group in GROUPS if not group.startswith(("hydra/", "experiment/"))} == known
