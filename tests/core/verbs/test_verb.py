"""A verb's hooks: each has a default, and a misspelt one is an error when the class is made."""

import pytest
from pydantic import Field, PydanticUserError

from railyard.core.config.component import Component
from railyard.core.config.defaults import plain
from railyard.core.verbs.verb import Job, Verb, Work, worded


class Count(Work):
    """Counts."""

    unit = "sheep"

    of: int = Field(3, description="how many")

    def run(self, progress):
        for number in range(self.of):
            progress(number + 1, self.of)
        return {"counted": self.of}


def job(root):
    return Job("count", root, {"of": root.of, "json": False, "allow": []}, ["railyard", "count"])


def test_the_defaults():
    call = Count(of=2)
    assert (Count.read_as({}), Count.first({}, []), Count.label({}), Count.has_folder) == (Count, [], None, False)
    assert call.plan(job(call)) == "railyard count\n  of: 2"
    assert (call.rules(job(call)), call.text({"a": 1}), call.summary({"a": 1})) == ([], None, {"a": 1})


class Inner(Component):
    width: int = 3
    deep: bool = False
    name: str | None = None


class Outer(Verb):
    """A verb with keys of all kinds."""

    inner: Inner = Inner()
    flag: bool = False
    path: str | None = None
    names: list[str] = Field([])
    resume: str | None = None

    def perform(self, job):
        raise KeyboardInterrupt


def plan_of(**keys):
    root = Outer(**keys)
    return root.plan(Job("outer", root, plain(root), ["railyard", "outer"])).splitlines()[2:]  # without the class


def test_a_plan_is_in_words():
    assert [line.strip() for line in plan_of()] == [
        "inner: as usual",
        "flag: false",
        "path: null",
        "names: none",
        "resume: null",
    ]
    found = plan_of(inner=Inner(deep=True, name="x"), flag=True, names=["a", "b"])
    assert [line.strip() for line in found[:4]] == [
        "inner: deep true, name x",
        "flag: true",
        "path: null",
        "names: a, b",
    ]
    assert worded({"_target_": "my.rules.Argmax", "tail": None}) == "Argmax, tail null"


def test_a_verb_that_can_be_resumed_says_how(work):
    def go_on(folder, **config):
        return Job("outer", Outer(), config, ["railyard", "outer"], folder).how_to_go_on

    assert go_on(work / "run") == "railyard outer resume=run"
    assert go_on(work / "run", out="pool") == "railyard outer resume=run out=pool"
    assert go_on(None) == ""
    assert job(Count()).how_to_go_on == ""


def test_work_is_counted_in_its_unit(caplog):
    caplog.set_level("INFO")
    assert Count(of=2).perform(job(Count(of=2))) == {"counted": 2}
    assert "count 2/2 sheep" in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("sumary", lambda self, result: result, "did you mean 'summary'"),
        ("perfrom", lambda self, job: {}, "did you mean 'perform'"),
        ("xyzzy", lambda self: 1, "is no hook of a verb; other names begin with _"),
    ],
)
def test_a_misspelt_hook_is_an_error(name, value, meant):
    with pytest.raises(TypeError, match=meant):
        type("Mine", (Verb,), {name: value})


def test_a_misspelt_fact_is_an_error():
    with pytest.raises(PydanticUserError, match="has_folders"):
        type("Mine", (Verb,), {"has_folders": True})


def test_private_names_fields_and_hooks_of_a_base_are_free():
    class Twice(Count):
        """Counts twice."""

        again: bool = False

        def _helper(self):
            return None

        def run(self, progress):
            return {}

    assert Twice().again is False


def test_a_verb_that_does_nothing_says_so():
    with pytest.raises(NotImplementedError):
        Verb().perform(None)
