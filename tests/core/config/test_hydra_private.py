"""The private names of Hydra and OmegaConf are there in the pinned version, and stand in one file."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

from railyard.core.config import hydra_private
from railyard.core.config.compose import Composition

SOURCE = Path(hydra_private.__file__).parents[2]
PRIVATE = re.compile(r"(?:hydra\._internal|omegaconf\._)[\w.]*")


def test_the_pinned_version_is_the_one_whose_names_these_are():
    assert importlib.metadata.version("hydra-core") == "1.3.8"
    for name in ("Callbacks", "Hydra", "create_config_search_path", "split_key"):
        assert callable(getattr(hydra_private, name))
    assert hasattr(hydra_private.ConfigLoaderImpl, "_apply_overrides_to_config")


def test_the_launcher_of_a_plain_sweep_is_a_class_of_hydra():
    module, _, name = hydra_private.BASIC_LAUNCHER.rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), name), type)


def test_no_other_file_has_one():
    others = [file for file in SOURCE.rglob("*.py") if file != Path(hydra_private.__file__)]
    assert [str(file) for file in others if PRIVATE.search(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("word", ["seed=3", "+data.x=1"])
def test_overrides_are_applied_and_named_as_by_a_composition(word, work):
    composition = Composition("train", [])
    config = composition.config.copy()
    hydra_private.apply_overrides([f"++{word.lstrip('+')}"], config)
    config.hydra.overrides.task.append(word)
    hydra_private.name_overrides(config)
    assert config.hydra.job.override_dirname == word
    key, _, value = word.lstrip("+").partition("=")
    node = config
    for part in key.split("."):
        node = node[part]
    assert node == int(value)
