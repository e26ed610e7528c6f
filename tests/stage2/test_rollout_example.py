"""The worked example of docs/stage2_rollout.md, from rollout to weights."""

import re
from pathlib import Path

import numpy as np
import pytest
from toy_tokenizer import toy_vocabulary

from railyard.stage2.matching.assignment import match
from railyard.stage2.objective.targets import TargetBuilder, TokenClass, matched_geometry
from railyard.stage2.objective.weights import channel_b
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.scenes.records import SceneObject

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "stage2_rollout.md").read_text(encoding="utf-8")
SCENE = [
    SceneObject("cat", (110, 310, 410, 705)),
    SceneObject("dog", (520, 285, 890, 660)),
    SceneObject("bird", (10, 20, 60, 80)),
]


def test_the_example_comes_out_as_the_page_says():
    written = re.search(r'^\{"object_1": \{"desc": "kitten".*$', PAGE, re.MULTILINE)[0]
    vocabulary = toy_vocabulary(written, "birdog0123456789{}")
    rollout = parse(vocabulary.encode(written), vocabulary)
    assert [each.desc for each in rollout.predictions] == ["kitten"]
    assert (rollout.begun, rollout.drops["non_coord_token"], rollout.drops["truncated"]) == (3, 1, 1)
    assert vocabulary.join(rollout.scaffold_T)[0].endswith(b"880, 650]}")
    assert rollout.next_index == 3
    matching = match([each.box for each in rollout.predictions], [each.box for each in SCENE])
    assert matching.ious == pytest.approx([0.902], abs=5e-4)
    geometry = matched_geometry(rollout.predictions, SCENE, matching)
    assert geometry.boxes_N4.tolist() == [list(SCENE[0].box)]
    assert vocabulary.bins_V[rollout.scaffold_T[geometry.slots_N4]].tolist() == [[120, 300, 420, 700]]
    target = TargetBuilder(vocabulary).reordered(SCENE, matching)
    assert [each.desc for each in target.objects] == ["cat", "bird", "dog"]
    weights = channel_b(
        target,
        np.array([False]),
        rollout.dropped,
        desc_ce_weight_matched=0.2,
        drop_invalid_struct_ce_multiplier=1.5,
    )
    of_desc = [set(weights[target.owners_T == owner].tolist()) for owner in range(3)]
    assert of_desc == [{float(np.float32(0.2))}, {1}, {1}]
    of_class = {each: set(weights[target.classes_T == each].tolist()) for each in TokenClass}
    assert of_class[TokenClass.STRUCTURE] == {1.5}
    assert of_class[TokenClass.COORD] == of_class[TokenClass.STOP] == {0}
    assert weights[-2:].tolist() == [0, 0]
