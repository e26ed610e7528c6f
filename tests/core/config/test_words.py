"""Words of the command line: values arrive as they were typed."""

import pytest

from railyard.core.config.compose import Composition
from railyard.core.config.words import verbatim


@pytest.fixture(autouse=True)
def cwd(work):
    return work


@pytest.mark.parametrize(
    "value", ["val/loss<5, seed=3 and tag='a b'", "a\\'b\\", 'x="y"', "[1", "2026", "1e5", "{a: 1}", "a\\\\b"]
)
def test_a_verbatim_value_arrives_as_typed(value):
    word = verbatim(f"source={value}", ["source"])
    assert Composition("pack", [word]).container()[0]["source"] == value


def test_items_of_a_verbatim_list_stay_text():
    word = verbatim("source=[2026, 1e5,a/b]", ["source"])
    assert Composition("pack", [word]).container()[0]["source"] == ["2026", "1e5", "a/b"]
    assert verbatim("other=[a,b]", ["source"]) == "other=[a,b]"
    assert [verbatim(f"source={empty}", ["source"]) for empty in ("null", "[]")] == ["source=null", "source=[]"]


def test_a_path_with_an_equals_sign_needs_no_quotes():
    place = "annotations/sample/model=quick/2026-11-29T22-48-31Z"
    assert Composition("train", [verbatim(f"data.pack={place}", ())]).container()[0]["data"]["pack"] == place
    for word in ("a=b", "a=1,b=2", "a={b=c}", "a='b=c'", "a=${b=c}", "a=[b=c]", "~a", "a==b"):
        assert verbatim(word, ()) == word
