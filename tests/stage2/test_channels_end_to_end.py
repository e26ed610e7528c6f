"""Both channels put together on hidden states without a model: where losses send gradients, and where none."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.matching.assignment import match
from railyard.stage2.objective.box_losses import ciou, smooth_l1
from railyard.stage2.objective.cross_entropy import states_before, supervised, token_nll
from railyard.stage2.objective.expectation import expected_coordinates
from railyard.stage2.objective.reduction import reduce
from railyard.stage2.objective.stop import stop_positions
from railyard.stage2.objective.targets import TargetBuilder, all_geometry, matched_geometry
from railyard.stage2.objective.total import total
from railyard.stage2.objective.weights import channel_a, channel_b
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.scenes.records import SceneObject

OBJECTS = [SceneObject("cat", (500, 600, 700, 800)), SceneObject("dog", (9, 10, 400, 300))]
GHOST = SceneObject("ghost", (900, 900, 950, 950))
VOCABULARY = toy_vocabulary('{"object_123456789": desc,bx[]}catdoghs')
BUILD = TargetBuilder(VOCABULARY)
PROMPT = VOCABULARY.encode("dog")
FEATURES = 64
OUTPUT_VD = normalize(torch.randn(len(VOCABULARY.pieces), FEATURES, generator=torch.Generator().manual_seed(3)))
WEIGHTS = {"bbox_smoothl1": 1.0, "bbox_ciou": 1.0}


def hidden_of(ids_T):
    """Hidden states of a whole sequence, prompt and ids, that a model might have made."""
    torch.manual_seed(7)
    return torch.randn(1, len(PROMPT) + len(ids_T), FEATURES, requires_grad=True)


def cross_entropy_of(hidden_1TD, ids_T, weights_T):
    ids, weights = np.concatenate([PROMPT, ids_T]), np.concatenate([np.zeros(len(PROMPT), np.float32), weights_T])
    hidden_ND, labels_N, weights_N = supervised(hidden_1TD, *(torch.as_tensor(side)[None] for side in (ids, weights)))
    return {"ce": reduce(token_nll(hidden_ND, OUTPUT_VD, labels_N), weights_N).mean()}


def geometry_of(hidden_1TD, geometry):
    places = torch.as_tensor(geometry.slots_N4.reshape(-1)) + len(PROMPT)
    logits_NK = states_before(hidden_1TD, torch.zeros_like(places), places) @ OUTPUT_VD[VOCABULARY.coord_ids_1000].T
    boxes_N4 = expected_coordinates(logits_NK.reshape(-1, 4, 1000))
    targets_N4 = torch.as_tensor(geometry.units_N4)
    terms = {"bbox_smoothl1": smooth_l1(boxes_N4, targets_N4, beta=0.05), "bbox_ciou": ciou(boxes_N4, targets_N4)}
    return {name: reduce(values_N).mean() for name, values_N in terms.items()}


def taught_positions(terms, hidden_1TD):
    """Tokens whose prediction the loss changes: those one behind a state with a gradient."""
    (gradient_1TD,) = torch.autograd.grad(total(terms, WEIGHTS), hidden_1TD, retain_graph=True)
    assert gradient_1TD.isfinite().all()
    return (gradient_1TD[0].abs().sum(dim=-1).nonzero()[:, 0] + 1 - len(PROMPT)).tolist()


def rollout_of(*objects):
    rollout = parse(VOCABULARY.encode(render(objects)), VOCABULARY)
    return rollout, match([each.box for each in rollout.predictions], [each.box for each in OBJECTS])


def test_channel_a_teaches_text_by_cross_entropy_and_every_box_by_geometry():
    target = BUILD.canonical(OBJECTS)
    hidden_1TD = hidden_of(target.ids_T)
    text = cross_entropy_of(hidden_1TD, target.ids_T, channel_a(target))
    boxes = geometry_of(hidden_1TD, all_geometry(target))
    is_coord_T = VOCABULARY.bins_V[target.ids_T] >= 0
    assert taught_positions(text, hidden_1TD) == np.flatnonzero(~is_coord_T).tolist()
    assert taught_positions(boxes, hidden_1TD) == np.flatnonzero(is_coord_T).tolist()
    assert taught_positions(text | boxes, hidden_1TD) == list(range(len(target.ids_T)))


def test_channel_b_sends_geometry_to_matched_predictions_only():
    rollout, matching = rollout_of(GHOST, OBJECTS[1])
    assert [rollout.predictions[predicted].desc for predicted, _ in matching.pairs] == ["dog"]
    hidden_1TD = hidden_of(rollout.scaffold_T)
    geometry = matched_geometry(rollout.predictions, OBJECTS, matching)
    assert taught_positions(geometry_of(hidden_1TD, geometry), hidden_1TD) == list(rollout.predictions[1].slots)


def test_channel_b_teaches_missed_objects_but_not_to_stop():
    _, matching = rollout_of(GHOST, OBJECTS[1])
    target = BUILD.reordered(OBJECTS, matching)
    assert [each.desc for each in target.objects] == ["dog", "cat"]
    hidden_1TD = hidden_of(target.ids_T)
    terms = cross_entropy_of(hidden_1TD, target.ids_T, channel_b(target, np.array([True]), 0))
    taught = taught_positions(terms, hidden_1TD)
    assert VOCABULARY.join(target.ids_T[taught])[0].decode() == (
        '{"object_1": {"desc": "", "bbox_2d": ["", "", "", ""]}, '
        '"object_2": {"desc": "cat", "bbox_2d": ["", "", "", ""]}'
    )
    assert not set(taught) & set(stop_positions(target.ids_T, VOCABULARY).tolist())


def test_channel_b_without_a_pair_has_no_geometry_to_run():
    rollout, matching = rollout_of(GHOST)
    assert matched_geometry(rollout.predictions, OBJECTS, matching).slots_N4.shape == (0, 4)
    assert BUILD.reordered(OBJECTS, matching).ids_T.tolist() == BUILD.canonical(OBJECTS).ids_T.tolist()


def test_a_true_box_is_its_bins_over_999():
    target = BUILD.canonical(OBJECTS)
    units = [[k / 999 for k in each.box] for each in target.objects]
    assert all_geometry(target).units_N4 == pytest.approx(np.array(units), abs=1e-7)
    hidden_1TD = torch.zeros(1, len(PROMPT) + len(target.ids_T), FEATURES)
    for slot in target.slots_N4.reshape(-1):
        state_D = OUTPUT_VD[target.ids_T[slot]]
        hidden_1TD[0, len(PROMPT) + slot - 1] = 60 * state_D / state_D.norm()  # its own token is by far the likeliest
    terms = geometry_of(hidden_1TD, all_geometry(target))
    assert [term.item() for term in terms.values()] == pytest.approx([0, 0], abs=1e-4)
