"""Paths as a shell gives them."""

import pytest
from pydantic import Field

from railyard.apps.show import Show
from railyard.apps.train import Train
from railyard.core.config.component import Component, PathKnob
from railyard.core.config.compose import Composition
from railyard.core.verbs.verb import Verb

NAMES = [
    "ä",
    "a b",
    "a=b",
    "a,b",
    "(1)",
    "it's",
    'say "x"',
    "[x]",
    "{x}",
    "1",
    "true",
    "a#b",
    "ü=1, (2) [3]/x",
    "back\\\\",
]


class Inside(Component):
    where: PathKnob | None = None


class Root(Verb):
    """A verb of paths."""

    out: PathKnob | None = None
    packs: PathKnob | list[PathKnob] = Field([])
    inner: Inside = Inside()
    word: str = ""
    resume: str | None = None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["out", "resume", "inner.where", "hydra.run.dir"])
def test_a_path_is_what_was_typed(key, name, work):
    config = Composition("doctor", [Root.as_typed(f"{key}={name}")], root=Root).config
    for part in key.split("."):
        config = config[part]
    assert config == name


@pytest.mark.parametrize(
    "word",
    [
        "out=plain/file.npy",
        "out='quoted (1)'",
        'out="x y"',
        "out=null",
        "word=a,b",
        "out=${paths.x}/y",
        "nope=a b",
        "out",
    ],
)
def test_other_words_stay(word):
    assert Root.as_typed(word) == word


def test_interpolations_are_still_that(work):
    word = Root.as_typed("out=${paths.root_dir}/my data")
    composition = Composition("doctor", [word, "+paths.root_dir=here"], root=Root)
    assert composition.select("out") == "here/my data"


def test_lists_are_lists_where_they_may_be():
    assert Root.as_typed("packs=[a b,c]") == "packs=['a b',c]"
    assert Root.as_typed("out=[a b,c]") == "out='[a b,c]'"


def test_a_sweep_keeps_its_values_apart():
    for word in ("out=a b,c", "out=choice(a,b)", "out=glob(*)"):
        assert Root.as_typed(word, swept=True) == word
    assert Root.as_typed("out=a b", swept=True) == "out='a b'"


def test_keys_of_groups_are_known_by_their_options():
    assert Train.as_typed("data.pack=a b") == "data.pack='a b'"
    assert Train.as_typed("data.tokenizer=ä") == "data.tokenizer='ä'"
    assert Train.as_typed("++model.init=a=b") == "++model.init='a=b'"
    assert Train.as_typed("ckpt_path=a,b") == "ckpt_path='a,b'"
    assert Train.as_typed("tags=[a b]") == "tags=[a b]"
    assert Train.as_typed("data.batch_size=(1)") == "data.batch_size=(1)"
    assert Show.as_typed("path=x=1,2") == "path='x=1,2'", "verbatim keys as before"


def test_a_run_goes_to_such_a_folder(railyard, work):
    done = railyard(
        "train", "hydra.run.dir=my runs/ä (${now:%Y}), 1", "--cfg", "job", "--resolve", "-p", "paths.output_dir"
    )
    assert done.out.startswith(f"{work}/my runs/ä (20")
    assert done.out.endswith("), 1\n")
