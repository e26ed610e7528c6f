"""Hydra's sweep syntax, read word by word."""

import pytest

from railyard.core.config.compose import Composition
from railyard.core.errors import UserError
from railyard.core.sweeping import overrides


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("seed=1,2", ["seed=1", "seed=2"]),
        ("seed=range(0,3)", ["seed=0", "seed=1", "seed=2"]),
        ("+a.b=x,null", ["+a.b=x", "+a.b=null"]),
        ("a=choice(1,2)", ["a=1", "a=2"]),
        ("a=[1,2],[3]", ["a=[1,2]", "a=[3]"]),
        ("a='x,y',z", ["a='x,y'", "a=z"]),
        ("seed=7", ["seed=7"]),
        ("a='x,y'", ["a='x,y'"]),
        ("~a", ["~a"]),
    ],
)
def test_values(word, values):
    assert overrides.values(word) == values


def test_a_glob_lists_options_of_a_group(work):
    Composition("train", [])
    assert overrides.values("trainer=glob(*p*)") == [
        "trainer=cpu",
        "trainer=ddp",
        "trainer=ddp_sim",
        "trainer=gpu",
        "trainer=mps",
    ]


def test_words_with_one_value_and_with_several_are_told_apart():
    assert overrides.split(["a=1,2", "b=[1,2]", "~c", "d=interval(0,1)"]) == (
        ["b=[1,2]", "~c"],
        ["a=1,2", "d=interval(0,1)"],
    )


@pytest.mark.parametrize("word", ["+a.b=1,2", "a.b=1", "++a.b=1"])
def test_a_key_stands_without_its_sign(word):
    assert overrides.key(word) == "a.b"


@pytest.mark.parametrize(
    ("call", "word", "part"),
    [
        (overrides.split, ["hydra.job.name=a,b"], "one value for the whole sweep"),
        (overrides.split, ["hydra/launcher=a,b"], "one value for the whole sweep"),
        (overrides.split, ["seed=[1"], "cannot be read"),
        (overrides.split, ["seed"], "not key=value"),
        (overrides.values, "a=interval(0,1)", "an interval has none"),
        (overrides.values, "model=glob(nothing)", "names no value"),
    ],
)
def test_mistakes_are_one_sentence(call, word, part, work):
    Composition("train", [])
    with pytest.raises(UserError, match=part) as caught:
        call(word)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "is_set"),
    [
        ("hydra.sweeper=x", False),
        ("hydra/sweeper=optuna", True),
        ("hydra/sweeper/pruner=median", True),
        ("++hydra.launcher.n_jobs=2", True),
        ("hydra.launchers=2", False),
    ],
)
def test_a_word_sets_a_key_what_is_inside_it_and_its_groups(word, is_set):
    assert overrides.sets(word, ("hydra/sweeper", "hydra.launcher")) is is_set
