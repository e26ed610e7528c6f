"""Both channels put together on logits without a model: where each loss sends gradients, and where it sends none."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.matching.assignment import match
from railyard.stage2.objective.box_losses import ciou, smooth_l1
from railyard.stage2.objective.expectation import expected_coordinates
from railyard.stage2.objective.reduction import reduce
from railyard.stage2.objective.shift import predictors
from railyard.stage2.objective.stop import stop_positions
from railyard.stage2.objective.targets import TargetBuilder, all_geometry, matched_geometry
from railyard.stage2.objective.weights import channel_a, channel_b
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.scenes.records import SceneObject

OBJECTS = [SceneObject("cat", (500, 600, 700, 800)), SceneObject("dog", (9, 10, 400, 300))]
GHOST = SceneObject("ghost", (900, 900, 950, 950))
VOCABULARY = toy_vocabulary('{"object_123456789": desc,bx[]}catdoghs')
BUILD = TargetBuilder(VOCABULARY)
PROMPT = [VOCABULARY.encode("d")[0]] * 3


def logits_of(ids):
    torch.manual_seed(7)
    return torch.randn(1, len(ids), len(VOCABULARY.pieces), requires_grad=True)


def shifted(positions):
    """Positions in the whole sequence, of which the first sample is the only one."""
    places = torch.as_tensor(np.asarray(positions).reshape(-1)) + len(PROMPT)
    return torch.zeros_like(places), places


def cross_entropy_of(logits_1TV, ids_T, weights_T):
    taught = np.flatnonzero(weights_T)
    nll_N = cross_entropy(predictors(logits_1TV, *shifted(taught)), torch.as_tensor(ids_T[taught]), reduction="none")
    return reduce(nll_N, torch.as_tensor(weights_T[taught])).mean()


def geometry_of(logits_1TV, geometry):
    logits_NK = predictors(logits_1TV, *shifted(geometry.slots_N4))[:, torch.as_tensor(VOCABULARY.coord_ids_1000)]
    boxes_N4 = expected_coordinates(logits_NK.reshape(-1, 4, 1000))
    targets_N4 = torch.as_tensor(geometry.boxes_N4, dtype=torch.float32) / 999
    return reduce(smooth_l1(boxes_N4, targets_N4, beta=0.05)).mean() + reduce(ciou(boxes_N4, targets_N4)).mean()


def taught_positions(loss, logits_1TV):
    """Tokens whose prediction a loss changes: those one behind a position with a gradient."""
    (gradient_1TV,) = torch.autograd.grad(loss, logits_1TV)
    assert gradient_1TV.isfinite().all()
    return (gradient_1TV[0].abs().sum(dim=-1).nonzero()[:, 0] + 1 - len(PROMPT)).tolist()


def rollout_of(*objects):
    rollout = parse(VOCABULARY.encode(render(objects)), VOCABULARY)
    return rollout, match([each.box for each in rollout.predictions], [each.box for each in OBJECTS])


def test_channel_a_teaches_text_by_cross_entropy_and_every_box_by_geometry():
    target = BUILD.canonical(OBJECTS)
    logits_1TV = logits_of([*PROMPT, *target.ids_T])
    text, boxes = (
        taught_positions(loss, logits_1TV)
        for loss in (
            cross_entropy_of(logits_1TV, target.ids_T, channel_a(target)),
            geometry_of(logits_1TV, all_geometry(target)),
        )
    )
    assert boxes == np.flatnonzero(VOCABULARY.bins_V[target.ids_T] >= 0).tolist()
    assert sorted([*text, *boxes]) == list(range(len(target.ids_T)))  # each token is taught by one of the two


def test_channel_b_sends_geometry_to_matched_predictions_only():
    rollout, matching = rollout_of(GHOST, OBJECTS[1])
    assert [rollout.predictions[predicted].desc for predicted, _ in matching.pairs] == ["dog"]
    logits_1TV = logits_of([*PROMPT, *rollout.scaffold_T])
    geometry = matched_geometry(rollout.predictions, OBJECTS, matching)
    assert taught_positions(geometry_of(logits_1TV, geometry), logits_1TV) == list(rollout.predictions[1].slots)


def test_channel_b_teaches_missed_objects_but_not_to_stop():
    _, matching = rollout_of(GHOST, OBJECTS[1])
    target = BUILD.reordered(OBJECTS, matching)
    assert [each.desc for each in target.objects] == ["dog", "cat"]
    logits_1TV = logits_of([*PROMPT, *target.ids_T])
    loss = cross_entropy_of(logits_1TV, target.ids_T, channel_b(target, np.array([True]), 0))
    taught = taught_positions(loss, logits_1TV)
    assert VOCABULARY.join(target.ids_T[taught])[0].decode() == (
        '{"object_1": {"desc": "", "bbox_2d": ["", "", "", ""]}, '
        '"object_2": {"desc": "cat", "bbox_2d": ["", "", "", ""]}'
    )
    assert not set(taught) & set(stop_positions(target.ids_T, VOCABULARY).tolist())


def test_channel_b_without_a_pair_has_no_geometry_to_run():
    rollout, matching = rollout_of(GHOST)
    assert matched_geometry(rollout.predictions, OBJECTS, matching).slots_N4.shape == (0, 4)
    assert BUILD.reordered(OBJECTS, matching).ids_T.tolist() == BUILD.canonical(OBJECTS).ids_T.tolist()


def test_boxes_that_are_learned_come_to_the_true_bins_over_999():
    target = BUILD.canonical(OBJECTS)
    logits_1TV = logits_of([*PROMPT, *target.ids_T])
    with torch.no_grad():
        sample, places = shifted(target.slots_N4)
        logits_1TV[sample, places - 1, torch.as_tensor(target.ids_T[target.slots_N4.reshape(-1)])] = 50.0
    assert geometry_of(logits_1TV, all_geometry(target)).item() == pytest.approx(0, abs=1e-4)
