"""The two examples of the source, as docs/coming_from.md translates them, are read as what they say."""

import re
from pathlib import Path

import pytest
import yaml

from railyard.board.training.rejection.config import Rejection
from railyard.core.config.check import check_config
from railyard.core.config.component import Component

PAGE = Path(__file__).parents[4] / "docs" / "coming_from.md"
BLOCKS = dict(re.findall(r"```yaml\n# (\w+) form\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


class Holder(Component):
    rejection: Rejection


def phases(form):
    tree, faults = check_config(Holder, yaml.safe_load(BLOCKS[form])["data"])
    assert faults == []
    return tree.rejection.resolved()


def test_the_short_form():
    first, second = phases("short")
    assert (first.first_epoch, first.until_epoch, second.first_epoch) == (0, 6, 6)
    assert [(mix.id, mix.weight, mix.upsample) for mix in first.mixes] == [
        ("student_errors", 0.9, True),
        ("anneal_random", 0.1, True),
    ]
    assert [mix.id for mix in second.mixes] == ["student_errors"]


def test_the_full_form():
    first, second = phases("full")
    assert (first.until_epoch, second.first_epoch, second.until_epoch) == (10, 10, None)
    assert [mix.weight for mix in first.mixes] == [0.85, 0.10, 0.05]
    assert [mix.weight for mix in second.mixes] == [0.25, 0.50, 0.25]
    assert [mix.upsample for mix in second.mixes] == [True, False, False]
    assert [(mix.dataset, mix.annotation, mix.filter) for mix in second.mixes] == [
        (mix.dataset, mix.annotation, mix.filter) for mix in first.mixes
    ]


@pytest.mark.parametrize("form", BLOCKS)
def test_every_name_of_it_stands_in_the_table_above(form):
    assert sorted(BLOCKS) == ["full", "short"]
    table = PAGE.read_text(encoding="utf-8").split(f"# {form} form")[0]
    for name in set(re.findall(r"(\w+):", BLOCKS[form])) - {"data", "params"}:
        assert name in table
