import numpy as np
import pytest
from toy_tokenizer import toy_vocabulary

from railyard.stage2.matching.assignment import Matching
from railyard.stage2.objective.targets import TargetBuilder
from railyard.stage2.objective.weights import channel_a, channel_b
from railyard.stage2.scenes.records import SceneObject

OBJECTS = [SceneObject("cat", (1, 2, 3, 4)), SceneObject("dog", (5, 6, 7, 8)), SceneObject("owl", (9, 9, 9, 9))]
VOCABULARY = toy_vocabulary('{"object_123": desc,bx[]}catdogwl')
BUILD = TargetBuilder(VOCABULARY)
# the second and the first object are matched, in this order; the third was missed
TARGET = BUILD.reordered(OBJECTS, Matching(((0, 1), (1, 0)), (1.0, 1.0), missed=(2,), false=(), gated=0))
NONE = np.array([False, False])


def by_part(weights_T, target=TARGET):
    """The weights of each part of a target; a part with several weights would be a fault."""
    parts = {"structure": set(), "coord": set(), "stop": set()} | {each.desc: set() for each in target.objects}
    text, places = VOCABULARY.join(target.ids_T)
    descs = {text.index(each.desc.encode()): each.desc for each in target.objects}
    for token, (id_, weight) in enumerate(zip(target.ids_T, weights_T.tolist(), strict=True)):
        desc = [name for at, name in descs.items() if at <= places[token] < at + len(name)]
        last = token >= len(target.ids_T) - 2
        parts["coord" if id_ < 1000 else "stop" if last else desc[0] if desc else "structure"].add(weight)
    return {name: weights.pop() for name, weights in parts.items() if len(weights) == 1}


def test_channel_a_teaches_everything_but_coordinates():
    weights = channel_a(BUILD.canonical(OBJECTS), desc_ce_weight=0.5)
    assert weights.dtype == np.float32
    found = by_part(weights, BUILD.canonical(OBJECTS))
    assert found == {"structure": 1, "coord": 0, "stop": 1, "cat": 0.5, "dog": 0.5, "owl": 0.5}


def test_channel_b_is_neutral_to_stopping():
    found = by_part(channel_b(TARGET, NONE, 0, desc_ce_weight=0.5))
    assert found == {"structure": 1, "coord": 0, "stop": 0, "cat": 0.5, "dog": 0.5, "owl": 0.5}


def test_matched_descriptions_have_their_own_weight_and_accepted_ones_none():
    weights = channel_b(TARGET, np.array([True, False]), 0, desc_ce_weight_matched=0.25)
    assert weights.dtype == np.float32
    assert by_part(weights) == {"structure": 1, "coord": 0, "stop": 0, "dog": 0, "cat": 0.25, "owl": 1}
    assert by_part(channel_b(TARGET, NONE, 0, desc_ce_weight_matched=0.0))["cat"] == 0


def test_the_gate_accepts_without_a_weight_of_its_own_too():
    found = by_part(channel_b(TARGET, np.array([True, False]), 0, desc_ce_weight=0.5))
    assert (found["dog"], found["cat"], found["owl"]) == (0, 0.5, 0.5)


@pytest.mark.parametrize(("dropped", "structure"), [(0, 1), (1, 1.5), (7, 1.5)])
def test_invalid_entries_raise_the_weight_of_structure_alone(dropped, structure):
    keys = {"drop_invalid_struct_ce_multiplier": 1.5, "desc_ce_weight": 0.5}
    expected = {"structure": structure, "coord": 0, "stop": 0, "cat": 0.5, "dog": 0.5, "owl": 0.5}
    assert by_part(channel_b(TARGET, NONE, dropped, **keys)) == expected
    assert by_part(channel_b(TARGET, NONE, dropped, stop_supervision="supervise", **keys)) == expected | {"stop": 1}


@pytest.mark.parametrize(("supervision", "weight"), [("neutral", 0), ("supervise", 1), ("weighted", 0.25)])
def test_stopping_is_left_out_or_taught_or_weighed(supervision, weight):
    found = by_part(channel_b(TARGET, NONE, 0, stop_supervision=supervision, stop_weight=0.25))
    assert found["stop"] == weight
    assert found["structure"] == 1


@pytest.mark.parametrize("verdicts", [0, 1, 3])
def test_every_pair_has_its_verdict(verdicts):
    with pytest.raises(ValueError, match=f"2 matched objects, but {verdicts} verdicts"):
        channel_b(TARGET, np.ones(verdicts, bool), 0)


def test_without_pairs_every_description_counts():
    found = by_part(channel_b(BUILD.canonical(OBJECTS), np.zeros(0, bool), 0, desc_ce_weight_matched=0.0))
    assert (found["cat"], found["dog"], found["owl"]) == (1, 1, 1)
