"""Components and foreign leaves: frozen values, built from inside out."""

import functools

import pytest

from railyard.core.config.component import Component, Foreign, build_leaves


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


def test_components_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Wheel().count = 2
