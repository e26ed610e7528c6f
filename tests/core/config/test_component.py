"""Components and foreign leaves: frozen values, built from inside out."""

import functools
from typing import Annotated

import pytest
from pydantic import Field

from railyard.core.config.check import check_config
from railyard.core.config.component import Component, Foreign, build_leaves, in_words


class Wheel(Component):
    count: int = 4


def test_foreign_parts_are_built_from_inside_out():
    inner = Foreign("fractions.Fraction", {"numerator": 1, "denominator": 2})
    outer = Foreign("types.SimpleNamespace", {"items": [inner], "plain": 3})
    built = outer.build(extra="run time")
    assert (built.items[0].denominator, built.plain, built.extra) == (2, 3, "run time")


def test_a_partial_leaf_waits_for_its_arguments():
    leaf = build_leaves({"a": Foreign("fractions.Fraction", {"denominator": 4}, partial=True)})["a"]
    assert isinstance(leaf, functools.partial)
    assert str(leaf(numerator=1)) == "1/4"


def test_a_fault_of_a_pattern_is_in_words():
    class Door(Component):
        key: Annotated[str, in_words("^[a-z]+$", "lower letters"), Field(pattern="^[a-z]+$")] | None = None

    assert check_config(Door, {"key": "abc"})[1] == []
    assert [fault.message for fault in check_config(Door, {"key": "A1"})[1]] == ["must be lower letters, got 'A1'"]
    assert [fault.key for fault in check_config(Door, {"key": 3})[1]] == [("key",)]


def test_components_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Wheel().count = 2
