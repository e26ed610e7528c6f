import json

import pytest
from stage2_fixtures import fixture
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.rollout.fragment import fragment
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.scenes.records import SceneObject

CASES = fixture("08")
OBJECTS = [SceneObject("cat", (1, 2, 3, 4)), SceneObject('a "猫"', (5, 6, 7, 8))]


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_fragments_are_those_of_the_cases(case):
    missed = [SceneObject(each["desc"], tuple(each["bbox"])) for each in case["fn"]]
    assert fragment(case["prefix_text"], case["start_index"], missed) == case["append_text"]


@pytest.mark.parametrize(
    "prefix",
    [
        *(case["prefix_text"] for case in CASES["errors"]),
        "{,",
        '{"a": {}}',
        "{}",
        '{"a": [{}',
        '{"a": {"b',
        '{"a": {} x',
    ],
)
def test_a_prefix_that_nothing_can_follow_is_refused(prefix):
    with pytest.raises(ValueError, match="does not end where an object may follow"):
        fragment(prefix, 1, [] if prefix.endswith("},") else OBJECTS)


@pytest.mark.parametrize("missed", [[], OBJECTS])
@pytest.mark.parametrize("text", ["{", '{"object_9": {"desc": 5}, "thing": {}, "object_3": {"cut'])
def test_a_rollouts_prefix_goes_on_to_whole_json(text, missed):
    vocabulary = toy_vocabulary(text)
    rollout = parse(vocabulary.encode(text), vocabulary)
    prefix = vocabulary.join(rollout.scaffold_T)[0].decode()
    entries = json.loads(prefix + fragment(prefix, rollout.next_index, missed))
    descs = [entry["desc"] for key, entry in entries.items() if key.startswith("object") and key != "object_9"]
    assert descs == [each.desc for each in missed]
    assert "object_9" in entries or text == "{"


def test_a_fragment_is_written_as_targets_are():
    assert "{" + fragment("{", 1, OBJECTS) == render(OBJECTS)
