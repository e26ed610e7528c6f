import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.packs.search import holds
from railyard.core.errors import UserError
from railyard.core.query import Condition, parse

NUMBERS = st.sampled_from([0.0, 1.0, 2.5, -1.0])


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), NUMBERS)
def test_numbers_as_one_by_one(values, operator, wanted):
    condition = Condition("x", operator, wanted)
    assert holds(condition, np.array(values)).tolist() == [condition.holds({"x": value}) for value in values]


@given(st.lists(st.sampled_from(["search", "tuple10", "Tuple11"]), min_size=1), st.sampled_from(["=", "!=", "~"]))
def test_text_as_one_by_one(values, operator):
    for word in ("search", "tuple"):
        condition = Condition("x", operator, word)
        assert holds(condition, np.array(values)).tolist() == [condition.holds({"x": value}) for value in values]


def test_unknown_numbers_meet_null_and_no_comparison():
    values = np.array([1.0, np.nan])
    found = {text: holds(parse(text)[0], values).tolist() for text in ("x=null", "x!=null", "x<5", "x=1", "x!=1")}
    assert found == {
        "x=null": [False, True],
        "x!=null": [True, False],
        "x<5": [True, False],
        "x=1": [True, False],
        "x!=1": [False, True],
    }
    assert holds(parse("x=null")[0], np.array(["a"])).tolist() == [False]


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("x=search", np.arange(2), "x holds numbers, got 'search'"),
        ("x~3", np.arange(2), "x holds numbers, which do not contain anything"),
        ("x<3", np.array(["a"]), "x holds text: use =, != or ~"),
    ],
)
def test_mistakes(text, values, message):
    with pytest.raises(UserError, match=message):
        holds(parse(text)[0], values)
