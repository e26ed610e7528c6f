"""The table of verbs is what the heads of their files say; nothing else lists them but the README."""

import re
from pathlib import Path

import pytest

from railyard.core.config.conf_folders import bundled
from railyard.core.verbs.table import usage, verbs
from railyard.core.verbs.verb import Verb

README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize("entry", verbs().values(), ids=lambda entry: entry.name)
def test_every_head_names_a_verb_and_an_example_of_it(entry):
    found = entry.load()
    assert issubclass(found, Verb)
    assert f"{found.__module__}.{found.__qualname__}" == entry.path
    assert found.perform is not Verb.perform
    assert entry.example.startswith(f"railyard {entry.name}")


def test_every_file_is_a_verb_and_no_two_have_one_place():
    assert {file.stem for file in bundled("conf").glob("*.yaml")} == verbs().keys()
    places = [entry.place for entry in verbs().values()]
    assert places == sorted(set(places))


def test_verbs_are_listed_by_rail_in_their_order():
    listed = [line.split()[0] for line in usage().splitlines()[2:] if line.startswith("  ")]
    assert listed == list(verbs())
    assert [line for line in usage().splitlines()[2:] if line and line[0] != " "] == [
        "all rails",
        "board",
        "tlg8",
        "stage2",
    ]


def test_the_readme_lists_the_same_verbs_under_the_same_rails():
    table = README.read_text(encoding="utf-8").partition("## Verbs")[2].partition("\n## ")[0]
    rows, rail = [], ""
    for title, name in re.findall(r"^\| (?:\*\*(.+?)\*\*|`(\w+)`) \|", table, re.MULTILINE):
        rail = title or rail
        rows += [(rail, name)] if name else []
    assert rows == [(entry.rail, entry.name) for entry in verbs().values()]
