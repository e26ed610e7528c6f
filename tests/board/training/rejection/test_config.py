"""Both forms, what they mean, what a later phase inherits, and each rule's sentence at its key."""

from pathlib import Path

import pytest

from railyard.board.training.rejection.config import (
    MOST_MIXES,
    Rejection,
    described,
    ids_of,
    phase_at,
    reads_annotations,
    sources_of,
)
from railyard.core.config.check import check_config
from railyard.core.config.component import Component

SHORT = {
    "annotation_dir": "annotations/d6",
    "seed": 20251015,
    "filters": [
        {"id": "student_errors", "name": "student_wrong_p1", "weight": 0.9},
        {"id": "anneal_random", "name": "passthrough", "weight": 0.1, "anneal_until_epoch": 6},
    ],
}
DEEP = {"dataset": "datasets/d8", "annotation": "annotations/d8"}
SHALLOW = {"dataset": "datasets/d6", "annotation": "annotations/d6"}
FULL = {
    "cache_dir": "datasets/rejection_cache",
    "phases": [
        {
            "until_epoch": 10,
            "mix": [
                {"id": "d8_errors", **DEEP, "filter": {"name": "student_wrong_p1"}, "weight": 0.85, "upsample": False},
                {"id": "d8_baseline", **DEEP, "filter": {"name": "passthrough"}, "weight": 0.10},
                {"id": "d6_anneal", **SHALLOW, "filter": {"name": "passthrough"}, "weight": 0.05},
            ],
        },
        {
            "mix": [
                {"id": "d8_errors", "weight": 0.25, "upsample": True},
                {"id": "d8_baseline", "weight": 0.50},
                {"id": "d6_anneal", "weight": 0.25},
            ]
        },
    ],
}
ANY = {"dataset": "d", "filter": {"name": "all"}, "weight": 1}


def read(values):
    class Holder(Component):
        rejection: Rejection

    tree, faults = check_config(Holder, {"rejection": values})
    return tree and tree.rejection, {".".join(fault.key): fault.message for fault in faults}


def phases_of(values):
    found, faults = read(values)
    assert not faults
    return found.resolved()


def test_the_short_form_is_a_phase_for_each_time_that_a_filter_drops_out():
    first, second = phases_of(SHORT)
    assert (first.first_epoch, first.until_epoch, second.first_epoch, second.until_epoch) == (0, 6, 6, None)
    assert [(mix.id, mix.weight, mix.upsample) for mix in first.mixes] == [
        ("student_errors", 0.9, True),
        ("anneal_random", 0.1, True),
    ]
    assert [mix.id for mix in second.mixes] == ["student_errors"]
    assert {mix.dataset for mix in first.mixes} == {None}
    assert {mix.annotation for mix in first.mixes} == {Path("annotations/d6")}


def test_the_full_form_inherits_what_an_id_has_said():
    first, second = phases_of(FULL)
    assert [(mix.id, mix.weight, mix.upsample) for mix in second.mixes] == [
        ("d8_errors", 0.25, True),
        ("d8_baseline", 0.50, False),
        ("d6_anneal", 0.25, False),
    ]
    for before, after in zip(first.mixes, second.mixes, strict=True):
        assert (before.dataset, before.annotation, before.filter) == (after.dataset, after.annotation, after.filter)


def test_upsample_is_inherited_unless_said_again():
    phases = [
        {"until_epoch": 1, "mix": [{"id": "a", **ANY, "upsample": True}]},
        {"until_epoch": 2, "mix": [{"id": "a", "weight": 1}]},
        {"mix": [{"id": "a", "weight": 1, "upsample": False}]},
    ]
    assert [phase.mixes[0].upsample for phase in phases_of({"phases": phases})] == [True, True, False]


def test_a_phase_is_in_force_from_the_end_of_the_one_before_and_the_last_to_the_end():
    phases = [{"until_epoch": end, "mix": [{"id": f"m{end}", **ANY}]} for end in (2, 3, 7)]
    found = phases_of({"phases": phases})
    assert [phase_at(found, epoch) for epoch in range(9)] == [0, 0, 1, 2, 2, 2, 2, 2, 2]
    assert found[-1].until_epoch is None


def test_ids_have_their_place_by_first_appearance():
    phases = [
        {"until_epoch": 1, "mix": [{"id": "b", **ANY}, {"id": "a", **ANY}]},
        {"mix": [{"id": "c", **ANY}, {"id": "b", "weight": 2}]},
    ]
    found = phases_of({"phases": phases})
    assert ids_of(found) == ["b", "a", "c"] == list(sources_of(found))
    assert sources_of(found)["b"].weight == 1


def short(**changes):
    return {**SHORT, "filters": [{**SHORT["filters"][0], **changes}]}


def one(**changes):
    return {"phases": [{"mix": [{"id": "a", **ANY, **changes}]}]}


@pytest.mark.parametrize(
    ("values", "key", "sentence"),
    [
        ({**SHORT, "phases": FULL["phases"]}, "", "stand beside each other: drop one"),
        ({}, "", "nothing is chosen"),
        ({**FULL, "annotation_dir": "x"}, "", "annotation_dir belongs to filters"),
        (short(weight=0), "filters.0.weight", "greater than 0"),
        (short(weight=-0.5), "filters.0.weight", "greater than 0"),
        (short(weight=float("inf")), "filters.0.weight", "finite"),
        (one(weight=0), "phases.0.mix.0.weight", "greater than 0"),
        (short(anneal_until_epoch=3), "", "all filters have dropped out from epoch 3 on"),
        (short(anneal_until_epoch=0), "filters.0.anneal_until_epoch", "greater than or equal to 1"),
        ({**SHORT, "filters": [SHORT["filters"][0]] * 2}, "", "the id student_errors stands twice"),
        ({**SHORT, "annotation_dir": None}, "", "annotation_dir is left out, and the filter student_wrong_p1 reads"),
        (short(name=None), "filters.0", "give the filter's name"),
        (short(wieght=1), "filters.0.wieght", "did you mean 'weight'"),
        ({"phases": [{"mix": []}]}, "phases.0.mix", "at least 1"),
        ({"phases": [{"mix": [{"id": "a", **ANY}] * 2}]}, "phases.0", "the id a stands twice"),
        ({"phases": [{"mix": [{"id": "a", "weight": 1}]}]}, "", "leaves out dataset and filter, and no earlier phase"),
        (one(filter={"name": "student_wrong_p1"}), "", "mix a of phase 1 leaves out its annotation"),
        (one(id="../a"), "phases.0.mix.0.id", "letters, digits"),
        ({"phases": [{"mix": [{"id": "a", **ANY}]}] * 2}, "", "phase 1 has no until_epoch"),
        ({"phases": [{"until_epoch": 2, "mix": [{"id": "a", **ANY}]}] * 2}, "", "until_epoch has to grow"),
        (
            {
                "phases": [
                    {"until_epoch": 2, "mix": [{"id": "a", **ANY}]},
                    {"mix": [{"id": "a", **ANY, "dataset": "e"}]},
                ]
            },
            "",
            "mix a of phase 2 has another dataset than before",
        ),
        (
            {"phases": [{"mix": [{"id": f"m{i}", **ANY} for i in range(MOST_MIXES + 1)]}]},
            "",
            "256 mixes are too many",
        ),
    ],
)
def test_each_rule_says_its_sentence_at_its_key(values, key, sentence):
    found, faults = read(values)
    assert found is None
    assert list(faults) == [f"rejection.{key}".rstrip(".")]
    assert sentence in next(iter(faults.values()))


def test_an_annotation_may_be_left_out_for_passthrough_alone():
    assert [mix.annotation for phase in phases_of(one(filter={"name": "random_all"})) for mix in phase.mixes] == [None]
    assert not reads_annotations(phases_of(one())[0].mixes[0].filter)


def test_a_filter_is_described_by_its_name_and_knobs():
    mix = phases_of(one(annotation="x", filter={"name": "low_confidence", "params": {"max_prob": 0.5}}))[0].mixes[0]
    assert described(mix.filter) == {"name": "low_confidence", "params": {"max_prob": 0.5}}
