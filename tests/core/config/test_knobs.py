"""The description of knobs and sections by types alone: a shop with a till in it, and what is said of their keys."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from railyard.core.config.check import check_config
from railyard.core.config.component import Component
from railyard.core.config.knobs import knobs, knobs_at, location, section_at, sections


class Till(Component):
    code: str = Field(description="opens it")
    coins: int = Field(0, ge=0)


class Kind(Component, abstract=True):
    pass


class Shop(Component):
    till: Till = Field({}, validate_default=True, description="holds the money")
    second: Annotated[Till, "spare"] | None = None
    tills: list[Till] = Field([])
    kind: Kind | None = None
    mode: Literal["open", "shut"] = Field("open", alias="state")


def faults(**config):
    found = check_config(Shop, config)[1]
    return {".".join(fault.key): fault.message for fault in found}


def test_sections_are_known_by_their_types():
    assert section_at(Shop, ()) is Shop
    assert section_at(Shop, ("till",)) is section_at(Shop, ("second",)) is Till
    assert [section_at(Shop, place) for place in (("tills",), ("state",), ("no",), ("till", "code"))] == [None] * 4
    assert list(knobs_at(Shop, ("second",))) == ["code", "coins"]
    assert knobs_at(Shop, ("tills",)) == {}
    assert list(sections(Shop)) == [(("till",), ["code", "coins"]), (("second",), ["code", "coins"]), (("kind",), [])]


def test_a_knob_is_described_once():
    till, second, tills, _, state = knobs(Shop).values()
    assert (till.reason, till.required, knobs(Till)["code"].required) == ("holds the money", False, True)
    assert (state.name, state.kinds[0].words, state.default) == ("state", ("open", "shut"), "open")
    assert (tills.section, tills.kinds[0].type, tills.kinds[0].inside[0].type) == (None, list, Till)
    assert [kind.type for kind in second.kinds] == [Till, type(None)]
    assert [limit.ge for limit in knobs(Till)["coins"].kinds[0].limits] == [0]


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({}, ("till", "code")),
        ({"till": {"coins": 1}}, ("till", "code")),
        ({"till": {"code": "a", "coins": -1}}, ("till", "coins")),
        ({"till": {"code": "a", "coin": 1}}, ("till", "coin")),
        ({"till": {"code": "a"}, "tills": [{"code": 3}]}, ("tills", "0", "code")),
        ({"till": {"code": "a"}, "state": "half"}, ("state",)),
    ],
)
def test_an_error_stands_at_its_key(config, place):
    with pytest.raises(ValidationError) as raised:
        Shop.model_validate(config)
    (error,) = raised.value.errors()
    assert location(Shop, config, error) == place


def test_a_section_that_is_not_there_asks_for_its_required_keys():
    assert faults() == {"till.code": "a value is required here (opens it): give till.code=…"}
    assert faults(till={"code": "???"}) == faults()
    assert faults(till="???") == {"till": "a value is required here (holds the money): give till=…"}


def test_a_value_in_the_place_of_a_section_is_told_its_keys():
    assert faults(till=3) == {"till": "holds keys (code, coins), got 3"}
    assert faults(till={"code": "a"}, kind=3)["kind"].startswith("must name a Kind by its _target_")
    target = {"_target_": "lightning.pytorch.callbacks.Timer"}
    assert "does not fit here" in faults(till=target)["till"]


def test_a_key_of_a_section_written_above_it_is_found():
    assert "did you mean 'till.coins' or 'second.coins'?" in faults(till={"code": "a"}, coins=3)["coins"]
