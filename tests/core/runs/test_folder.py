"""The run folder: claimed by one; its config comes back as written, or a sentence says why not."""

import subprocess
import sys

import pytest

from railyard.core.errors import UserError
from railyard.core.runs.folder import claim, differences, name_of, new_name, read_config, write_config

CONFIG = {"seed": 1, "trainer": {"max_epochs": 2, "max_steps": -1}, "logger": {}, "paths": {"output_dir": "/old/run"}}


def test_names_are_in_order_of_time_and_differ(tmp_path):
    first, second = new_name(tmp_path), new_name(tmp_path)
    assert first != second
    assert first.parent == tmp_path
    assert first.name[:10] <= second.name[:10]
    assert not first.exists()


def test_a_folder_is_claimed_once(tmp_path):
    folder = tmp_path / "a" / "b"
    assert claim(folder)
    assert not claim(folder)


def test_only_one_of_many_processes_claims(tmp_path):
    folder = str(tmp_path / "x")
    code = f"from pathlib import Path; from railyard.core.runs.folder import claim; print(claim(Path({folder!r})))"
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in started) == ["False", "False", "True"]


def test_what_a_run_is_called(tmp_path):
    assert name_of(tmp_path / "2026-11-20T11-43-48Z_04364b") == "2026-11-20T11-43-48Z_04364b"
    assert name_of(tmp_path / "2026-11-20T11-43-48Z_04364b" / "7") == "2026-11-20T11-43-48Z_04364b/7"


def test_the_config_comes_back_as_written(tmp_path):
    write_config(tmp_path, CONFIG)
    assert read_config(tmp_path) == CONFIG


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "not a run folder"), ("a: [", "not readable YAML"), ("- 1", "does not hold a mapping"), ("", "mapping")],
)
def test_a_config_that_cannot_be_read(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=reason):
        read_config(tmp_path)


def test_code_in_a_stored_config_is_not_run(tmp_path):
    (tmp_path / "config.yaml").write_text(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/hit']\n")
    with pytest.raises(UserError, match="not readable"):
        read_config(tmp_path)
    assert not (tmp_path / "hit").exists()


def test_differences_name_the_leaves():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": 2}, "d": None}) == ["a.b: 1 -> 3"]
    assert differences({"a": 1}, {}) == ["a: 1 -> None"]
    assert differences({}, {"x": {"y": 1}}) == ["x: None -> {'y': 1}"]
    assert differences(CONFIG, CONFIG) == []
