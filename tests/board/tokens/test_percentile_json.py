"""Every rule of files of version 1 broken once."""

import pytest
from version1 import DOCUMENT

from railyard.board.tokens.percentile_json import parse
from railyard.core.errors import UserError

KNOTS = DOCUMENT["ecdf_knots"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 2, "version is 2, expected 1"),
        ("quantile_count", 1, "quantile_count is 1, expected a whole number from 2"),
        ("quantile_count", 4, "ecdf_knots.search has 5 knots, expected quantile_count = 4"),
        ("percentile_grid", "log", "percentile_grid is 'log', expected 'uniform_0_1'"),
        ("valuation_types", [1], r"valuation_types is \[1\], expected a list of names"),
        ("valuation_types", ["search", "tuple9"], "ecdf_knots.tuple9 is missing"),
        ("ecdf_knots", [], r"ecdf_knots is \[\], expected an object"),
        ("ecdf_knots", KNOTS | {"search": [0, 1, 2, 3, None]}, "ecdf_knots.search is .* expected a list of finite"),
        ("ecdf_knots", KNOTS | {"search": [0, 1, 2, 3, 2]}, r"ecdf_knots.search\[4\] is 2.0 after 3.0"),
        ("ecdf_knots", KNOTS | {"search": [0, 1, 2, 3, 10**400]}, "expected a list of finite numbers"),
        ("delta_edges", [0.5], "delta_edges has 1 edges, expected 2 to 255"),
        ("delta_edges", [0.5, 0.25], r"delta_edges\[1\] is 0.25 after 0.5, expected ascending"),
    ],
)
def test_a_fault_names_its_key(key, value, message):
    with pytest.raises(UserError, match=message):
        parse(DOCUMENT | {key: value})


@pytest.mark.parametrize("key", ["version", "quantile_count", "percentile_grid", "valuation_types", "delta_edges"])
def test_a_missing_key_is_named(key):
    with pytest.raises(UserError, match=f"^{key} is missing"):
        parse({name: value for name, value in DOCUMENT.items() if name != key})


def test_another_json_value_is_refused():
    with pytest.raises(UserError, match="holds a list, expected a JSON object"):
        parse([])


def test_knots_and_edges_may_coincide():
    fields = parse(DOCUMENT | {"ecdf_knots": KNOTS | {"search": [0, 0, 1, 1, 1]}, "delta_edges": [0, 0, 1]})
    assert fields["knots"]["search"] == (0.0, 0.0, 1.0, 1.0, 1.0)
    assert fields["delta_edges"] == (0.0, 0.0, 1.0)
