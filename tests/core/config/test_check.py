"""The check: every fault at once, each with its key, and nothing built while one stands."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from railyard.core.config import component
from railyard.core.config.check import check_config, check_part
from railyard.core.config.component import Component, Foreign, PathKnob
from railyard.core.config.faults import Fault
from railyard.core.config.knobs import knobs

COSINE = "railyard.board.training.schedules.Cosine"
PROGRESS = "railyard.core.training.callbacks.config.Progress"
ADAM = "torch.optim.AdamW"


class Part(Component, abstract=True):
    """A kind of part."""


class Root(component.Root):
    count: Annotated[int, Field(ge=1, description="how many")] = 1
    rate: float = 0.5
    mode: Literal["stop", "skip"] = "stop"
    where: PathKnob | None = None
    needed: str = Field(description="what it is for")
    part: Component | Foreign | None = None
    kind: Part | Foreign | None = None
    parts: dict[str, Component | Foreign | None] = Field({})
    anything: dict[str, Any] = Field({})


def faults(**container):
    return {".".join(fault.key): fault.message for fault in check_config(Root, {"needed": "x", **container})[1]}


def test_a_valid_container_becomes_a_typed_tree():
    tree, found = check_config(Root, {"needed": "x", "where": "a/b", "part": {"_target_": COSINE, "warmup_steps": 3}})
    assert found == []
    assert tree.part.warmup_steps == 3
    assert str(tree.where) == "a/b"


def test_all_faults_are_found_at_once():
    found = faults(
        needed="???",
        count=0,
        rate="fast",
        mode="skipp",
        where=3,
        typo=1,
        part={"_target_": COSINE, "warmup_stepps": 1, "min_ratio": 2.0},
        parts={"a": {"_target_": "os.system"}, "b": 3},
    )
    assert found == {
        "part.min_ratio": "must be less than or equal to 1, got 2.0",
        "part.warmup_stepps": "unknown key (value 1); did you mean 'warmup_steps'?; known: warmup_steps, min_ratio, "
        "grow_batch",
        "parts.a._target_": "os.system may not be built from a config; to admit a class of your own add "
        "allow=[os.system]",
        "parts.b": "must name a Component by its _target_, got 3",
        "needed": "a value is required here (what it is for): give needed=…",
        "count": "must be greater than or equal to 1, got 0",
        "rate": "must be a valid number, got 'fast'",
        "mode": "must be 'stop' or 'skip', got 'skipp'; did you mean 'skip'?",
        "where": "must be a path, got 3",
        "typo": "unknown key (value 1); known: " + ", ".join(knobs(Root)),
    }


def test_the_tree_is_none_while_a_fault_stands():
    assert check_config(Root, {})[0] is None


def test_a_missing_value_is_a_fault_also_where_there_is_a_default():
    assert faults(count="???") == {"count": "a value is required here (how many): give count=…"}


def test_a_nested_required_value_names_its_whole_key():
    found = faults(part={"_target_": "railyard.board.training.config.PackData"})
    assert found["part.pack"].endswith("give part.pack=…")


def test_strict_types():
    assert faults(count=2.0).keys() == {"count"}
    assert faults(count="2").keys() == {"count"}
    assert faults(count=True).keys() == {"count"}
    assert faults(rate=2) == {}


def test_a_word_that_stands_elsewhere_names_its_dotted_key():
    part = {"_target_": COSINE}
    assert "did you mean 'part.warmup_steps'?" in faults(part=part, warmup_steps=3)["warmup_steps"]
    assert "did you mean 'part.warmup_steps'?" in faults(part=part, warmup_step=3)["warmup_step"]
    trainer = {"_target_": "lightning.pytorch.Trainer", "warmup_steps": 3}
    assert "did you mean 'part.warmup_steps'?" in faults(part=part, parts={"t": trainer})["parts.t.warmup_steps"]
    two = faults(parts={"a": part, "b": part}, min_ratio=3)["min_ratio"]
    assert "did you mean 'parts.a.min_ratio' or 'parts.b.min_ratio'?" in two


def test_a_near_sibling_beats_a_far_guess():
    assert "did you mean 'count'?" in faults(coun=3, part={"_target_": COSINE})["coun"]


def test_a_kind_wants_its_own_components():
    assert "wanted a Part" in faults(kind={"_target_": COSINE})["kind"]
    assert "a _target_ has to say" in faults(kind={"warmup_steps": 3})["kind"]
    assert "a _target_ has to say" in faults(kind={})["kind"]
    assert faults(kind=3)["kind"] == "must name a Part by its _target_, got 3"


@pytest.mark.parametrize("place", [["part"], ["parts", "x"], ["anything", "x", "0", "y"]])
@pytest.mark.parametrize("target", ["os.system", "builtins.eval", "railyard.core.store.durable.write_text", "a b"])
def test_a_hostile_target_is_refused_wherever_it_stands(place, target, work):
    node: Any = {"_target_": target, "path": str(work / "hit"), "text": "x"}
    for key in reversed(place[1:]):
        node = [node] if key == "0" else {key: node}
    assert ".".join([*place, "_target_"]) in faults(**{place[0]: node})
    assert not (work / "hit").exists()


def test_a_target_at_the_root_is_an_unknown_key():
    assert "unknown key" in faults(_target_="os.system")["_target_"]


@pytest.mark.parametrize("reserved", ["_args_", "_convert_", "_recursive_", "_anything_"])
def test_reserved_keys_are_refused(reserved):
    found = faults(part={"_target_": COSINE, reserved: ["x"]})
    assert found == {f"part.{reserved}": f"'{reserved}' is not allowed beside a _target_"}


def test_partial_is_for_optimizers_and_optimizers_need_it():
    assert faults(part={"_target_": COSINE, "_partial_": True}).keys() == {"part._partial_"}
    assert faults(part={"_target_": "lightning.pytorch.Trainer", "_partial_": True}).keys() == {"part._partial_"}
    assert faults(part={"_target_": ADAM, "lr": 0.1, "_partial_": True}) == {}
    assert "set _partial_: true" in faults(part={"_target_": ADAM, "lr": 0.1})["part"]
    assert faults(part={"_target_": ADAM, "_partial_": "yes"}).keys() == {"part"}


def test_known_faults_come_first_and_are_not_reported_again():
    known = Fault(("count",), "cannot be resolved")
    _, found = check_config(Root, {"needed": "x", "count": None, "rate": "x"}, [known])
    assert found[0] is known
    assert [fault.key for fault in found] == [("count",), ("rate",)]


def test_allow_of_a_wrong_type_is_one_fault():
    assert faults(allow="torch.optim.AdamW").keys() == {"allow"}
    assert faults(allow=[["os.system"], 3]).keys() == {"allow.0", "allow.1"}


def test_check_part_reads_one_part():
    tree, found = check_part({"_target_": COSINE, "warmup_steps": 7}, [], "schedule")
    assert (tree.warmup_steps, found) == (7, [])
    assert check_part({"_target_": "os.system"}, [], "data")[1][0].key == ("data", "_target_")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab._?", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_target_", "_partial_", "_args_", "a", "warmup_steps", "1"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*knobs(Root), "other"]), plain, max_size=5))
def test_any_container_gives_a_tree_or_faults(container):
    tree, found = check_config(Root, container)
    assert (tree is None) == bool(found)
