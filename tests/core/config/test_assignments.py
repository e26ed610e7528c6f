"""Python values arrive in a config as they were given."""

from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.config.assignments import overrides_of
from railyard.core.config.compose import Composition
from railyard.core.errors import UserError

texts = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0$")).filter(lambda text: text != "???")
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | texts
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda name: name not in ("null", "true", "inf", "nan"))


def arrived(**values):
    """What Hydra's grammar makes of the words."""
    overrides = OverridesParser.create().parse_overrides(list(overrides_of(values)))
    return {override.key_or_group: override.value() for override in overrides}


@given(leaves | st.lists(leaves, max_size=3))
def test_values_arrive_as_given(value):
    found = arrived(given=value)["given"]
    assert (found, type(found)) == (value, type(value))


@given(st.dictionaries(names, leaves, min_size=1, max_size=3))
def test_nested_and_dotted_keys_are_the_same(values):
    nested = list(overrides_of({"data": {"order": values}}))
    assert nested == list(overrides_of({f"data.order.{name}": value for name, value in values.items()}))


def test_a_config_takes_the_words():
    config = Composition(
        "doctor", list(overrides_of({"paths": {"odd": "a, 'b' \\", "list": ["x=1", 2.0, None]}}))
    ).config
    assert (config.paths.odd, list(config.paths.list)) == ("a, 'b' \\", ["x=1", 2.0, None])


def test_a_dict_inside_a_list_and_an_empty_one():
    assert arrived(given=[{"a": 1, "b": "x, y"}], empty={}) == {"given": [{"a": 1, "b": "x, y"}], "empty": {}}


def test_paths_tuples_and_numbers_of_numpy():
    words = list(overrides_of({"a": Path("b/c"), "d": (1, 2), "e": np.float32(0.5), "f": np.int64(3)}))
    assert words == ["a='b/c'", "d=[1,2]", "e=0.5", "f=3"]


def test_what_no_config_can_hold_is_refused():
    with pytest.raises(UserError, match=r"data.pack: <object .*> cannot stand in a config; give text, a number"):
        list(overrides_of({"data": {"pack": object()}}))
