"""Forwards and losses of both channels against plain references: transformers' own forward, finite differences."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_detector
import torch

from railyard.stage2.language.rendering import render
from railyard.stage2.model.answers import answers
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.objective.total import COORD_TERMS, total
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.scenes.records import SceneObject
from railyard.stage2.training import passes
from railyard.stage2.training.lessons import Teacher

GATE = {"semantic_desc_gate": {"enabled": False}}
OBJECTS = tiny_detector.OBJECTS
SHIFTED = [SceneObject(each.desc, tuple(k + 3 + 4 * i for i, k in enumerate(each.box))) for each in OBJECTS]
GHOST = SceneObject("red cup", (700, 700, 800, 800))


def losses(**keys):
    return Stage2AB(schedule={"b_ratio": 0.5}, **{"channel_b": GATE, **keys})


@functools.cache
def world():
    """A detector, a batch of three images, and a teacher of its vocabulary."""
    detector = tiny_detector.shared_tiny_detector()
    return detector, tiny_detector.tiny_batch(detector)


def teacher(objective):
    return Teacher(world()[0].vocabulary, objective, RolloutMatching(), lambda: SemanticGate(None, 0.5))


class Counted:
    """A session that counts the answers it reads."""

    def __init__(self):
        detector, batch = world()
        self._session = detector.begin(batch.prompts, batch.pictures)
        self.read = []

    def states(self, read, soft=None):
        self.read.append((read, soft))
        return self._session.states(read, soft)

    def __getattr__(self, name):
        return getattr(self._session, name)


def lessons_a(objective):
    return [teacher(objective).channel_a(OBJECTS[: 1 + index % 2]) for index in range(3)]


def lessons_b(objective, *texts):
    teach, vocabulary = teacher(objective), world()[0].vocabulary
    ids = [[*vocabulary.encode(text), vocabulary.im_end] for text in texts]
    return [teach.channel_b(OBJECTS, one) for one in teach.judge([OBJECTS] * len(ids), ids)]


def reference_logits(sample, ids):
    """Logits [T, V] that predict each token of an answer, by transformers' own forward of the whole."""
    detector, batch = world()
    states = tiny_detector.alone(detector, batch, sample, list(ids))
    return states @ detector.output_VH().T


@pytest.mark.parametrize("iterations", [1, 2, 4])
def test_channel_a_runs_as_many_forwards_as_are_asked_for(iterations):
    session, objective = Counted(), losses(n_softctx_iter=iterations)
    with torch.no_grad():
        passes.channel_a(session, lessons_a(objective), objective, 0)
    assert [soft is None for _, soft in session.read] == [True, *[False] * (iterations - 1)]


def test_one_forward_is_teacher_forcing():
    """Text and boxes from the same plain forward, as transformers computes it."""
    objective = losses(n_softctx_iter=1)
    lessons = lessons_a(objective)
    with torch.no_grad():
        found = passes.channel_a(Counted(), lessons, objective, 0)
        nll, boxes = [], []
        for sample, lesson in enumerate(lessons):
            logits_TV = reference_logits(sample, lesson.target.ids_T)
            log_p = logits_TV[:-1].log_softmax(-1)
            ids = torch.from_numpy(lesson.target.ids_T)
            weights = torch.from_numpy(lesson.weights_T)
            nll.append((weights * -log_p[torch.arange(len(ids)), ids]).sum())
            boxes.append(expected(logits_TV, lesson.geometry.slots_N4) - torch.from_numpy(lesson.geometry.units_N4))
    assert found["ce"].numerator.item() == pytest.approx(sum(nll).item(), rel=1e-5)
    apart = torch.cat(boxes).abs()
    assert found["bbox_smoothl1"].numerator.item() == pytest.approx(huber(apart).item(), rel=1e-4)


def expected(logits_TV, slots_N4):
    coords = torch.from_numpy(world()[0].vocabulary.coord_ids_1000)
    p = logits_TV[torch.from_numpy(slots_N4)][..., coords].softmax(-1)
    return p @ (torch.arange(1000) / 999)


def huber(apart_N4, beta=0.05):
    return torch.where(apart_N4 < beta, apart_N4**2 / (2 * beta), apart_N4 - beta / 2).mean(-1).sum()


def test_text_is_read_from_the_first_forward_and_boxes_from_the_last():
    one, two = losses(n_softctx_iter=1), losses(n_softctx_iter=2)
    with torch.no_grad():
        first = passes.channel_a(Counted(), lessons_a(one), one, 0)
        session = Counted()
        second = passes.channel_a(session, lessons_a(two), two, 0)
        read, soft = session.read[1]
        last_ATH = world()[0].begin(world()[1].prompts, world()[1].pictures).states(read, soft)
        slots = passes.Slots.of([lesson.geometry.slots_N4 for lesson in lessons_a(two)], "cpu")
        boxes = passes._boxes(lessons_a(two), "cpu")
        from_last = passes.coordinates(session, slots.states(last_ATH), boxes, two, 0)[0]
    assert second["ce"].numerator == first["ce"].numerator
    for term in COORD_TERMS:
        assert second[term].numerator == from_last[term].numerator, term
        assert second[term].numerator != first[term].numerator, term


def test_expected_embeddings_stand_at_the_targets_slots_read_one_position_before():
    objective = losses(n_softctx_iter=2, softctx_temperature=2.0)
    lessons, session = lessons_a(objective), Counted()
    with torch.no_grad():
        passes.channel_a(session, lessons, objective, 0)
        _, soft = session.read[1]
        detector = world()[0]
        coords = torch.from_numpy(detector.vocabulary.coord_ids_1000)
        wanted = []
        for sample, lesson in enumerate(lessons):
            logits_TV = reference_logits(sample, lesson.target.ids_T)
            wanted.append((logits_TV[lesson.geometry.slots_N4.ravel()][:, coords] / 2).softmax(-1))
    assert torch.allclose(soft.rows_NH, torch.cat(wanted) @ detector.input_VH()[coords], atol=1e-6)
    assert soft.tokens_N.tolist() == np.concatenate([each.geometry.slots_N4.ravel() for each in lessons]).tolist()


def test_the_second_pass_of_b_pulls_predictions_to_the_true_boxes():
    """Read in the rollout, compared with the truth: given the prediction's own box the number would be another."""
    objective = losses()
    lessons = lessons_b(objective, render([GHOST, *SHIFTED]), render(SHIFTED[:1]), render([GHOST]))
    session = Counted()
    with torch.no_grad():
        found, apart = passes.channel_b(session, lessons, objective, 0)
        to_truth, to_own = [], []
        for sample in (0, 1):
            lesson = lessons[sample]
            logits_TV = reference_logits(sample, lesson.scaffold_T)
            boxes = expected(logits_TV, lesson.geometry.slots_N4)
            to_truth.append(boxes - torch.from_numpy(lesson.geometry.units_N4))
            own = world()[0].vocabulary.bins_V[lesson.scaffold_T[lesson.geometry.slots_N4]]
            to_own.append(boxes - torch.from_numpy(own.astype(np.float32) / 999))
    assert found["bbox_smoothl1"].numerator.item() == pytest.approx(huber(torch.cat(to_truth).abs()).item(), rel=1e-4)
    assert abs(huber(torch.cat(to_own).abs()) - huber(torch.cat(to_truth).abs())) > 1e-3
    true = {tuple(each.box) for each in OBJECTS}
    assert {tuple(box) for lesson in lessons for box in lesson.geometry.boxes_N4.tolist()} <= true
    assert found["bbox_ciou"].denominator == 3
    assert apart.denominator == 12


def test_samples_without_a_pair_have_no_second_pass():
    objective, session = losses(), Counted()
    with torch.no_grad():
        passes.channel_b(session, lessons_b(objective, render([GHOST]), render(SHIFTED), "x"), objective, 0)
    assert [read.samples_A for read, _ in session.read] == [(0, 1, 2), (1,)]


def test_a_batch_without_a_pair_has_none_at_all():
    objective, session = losses(), Counted()
    with torch.no_grad():
        found, apart = passes.channel_b(session, lessons_b(objective, "x", "{}", render([GHOST])), objective, 0)
    assert (len(session.read), [*found], apart) == (1, ["ce"], None)


def test_a_batch_without_objects_teaches_its_text():
    objective, session = losses(n_softctx_iter=3), Counted()
    with torch.no_grad():
        found = passes.channel_a(session, [teacher(objective).channel_a([]) for _ in range(3)], objective, 0)
    assert ([*found], len(session.read)) == (["ce"], 1)


def test_terms_without_a_weight_are_measured_and_send_no_gradient():
    objective = losses(coord_gate_weight=0.5)
    found = passes.channel_a(Counted(), lessons_a(objective), objective, 0)
    learns = {term for term in COORD_TERMS if found[term].numerator.requires_grad}
    assert learns == {"bbox_smoothl1", "bbox_ciou", "coord_gate"}
    assert all(found[term].numerator.item() != 0 for term in COORD_TERMS)


def test_no_term_but_the_gate_moves_mass_from_text_to_coordinates():
    """A model without coordinates learns none without it: cross-entropy leaves them out, all others see their slice."""
    detector, _ = world()
    coords = torch.from_numpy(detector.vocabulary.coord_ids_1000)
    is_text_V = torch.ones(len(detector.vocabulary.pieces), dtype=torch.bool).index_fill(0, coords, False)
    every = {f"{term}_weight": 1.0 for term in COORD_TERMS}
    moved = {}
    for name, objective in (("gate", losses(**every)), ("none", losses(**{**every, "coord_gate_weight": 0.0}))):
        session, lessons = Counted(), lessons_a(objective)
        session.output_VH = session.output_VH.detach().requires_grad_()
        session.coord_output_KH = session.output_VH[coords]
        slots = passes.Slots.of([lesson.geometry.slots_N4 for lesson in lessons], "cpu")
        states_NH = slots.states(session.states(answers([each.target.ids_T for each in lessons]))).detach()
        found = passes.coordinates(session, states_NH, passes._boxes(lessons, "cpu"), objective, 0)[0]
        total({term: sums.mean() for term, sums in found.items()}, passes.term_weights(objective)).backward()
        moved[name] = session.output_VH.grad[is_text_V].abs().max().item()
    assert moved["none"] == 0.0 < moved["gate"]


def test_a_state_that_is_not_finite_spoils_its_own_rows_alone():
    """It is left out of each mean and counted, and sends no gradient."""
    objective = losses(n_softctx_iter=1)
    lessons, session = lessons_a(objective), Counted()
    slot = int(lessons[0].geometry.slots_N4[0, 0])
    whole = passes.channel_a(session, lessons, objective, 0)
    leaf = session._session.states(session.read[0][0]).detach().requires_grad_()
    bad = torch.zeros(leaf.shape, dtype=torch.bool)
    bad[0, slot] = True
    session.states = lambda read, soft=None: torch.where(bad, torch.nan, leaf)
    found = passes.channel_a(session, lessons, objective, 0)
    total({term: sums.mean() for term, sums in found.items()}, passes.term_weights(objective)).backward()
    assert leaf.grad.isfinite().all()
    assert found["ce"].numerator.item() == pytest.approx(whole["ce"].numerator.item(), rel=1e-6)
    assert found["bbox_ciou"].nonfinite.item() == found["coord_w1"].nonfinite.item() == 1
    assert found["bbox_ciou"].denominator == whole["bbox_ciou"].denominator - 1


@pytest.mark.parametrize(("step", "sigma"), [(0, 40.0), (9, 40.0), (10, 12.0)])
def test_the_width_of_soft_targets_follows_the_step(step, sigma):
    staged = losses(coord_target_sigma={"values": [40.0, 12.0], "starts": [10]})
    plain = losses(coord_target_sigma=sigma)
    with torch.no_grad():
        found, wanted = (passes.channel_a(Counted(), lessons_a(each), each, step) for each in (staged, plain))
    assert found["coord_soft_ce"].numerator == wanted["coord_soft_ce"].numerator


class Small:
    """A session in float64 that is one formula: each state is made of all embeddings before it."""

    def __init__(self, input_VH, mixing_HH):
        self.input_VH, self.output_VH = input_VH, input_VH
        self._mixing_HH = mixing_HH
        self.detector = SimpleNamespace(device="cpu")

    coord_rows_KH = coord_output_KH = property(lambda self: self.input_VH[:1000])

    def states(self, read, soft=None):
        embedded = self.input_VH[read.ids_AT]
        if soft is not None:
            embedded = soft.put_into(embedded)
        first = torch.ones_like(embedded[:, :1])
        return torch.tanh(torch.cat([first, embedded], 1).cumsum(1) @ self._mixing_HH)


def both_losses(objective, weight_VH, mixing_HH, constant=None):
    """Sum over text states of the first forward, and over box states of the last. `constant`: rows that are given."""
    session = Small(weight_VH, mixing_HH)
    read = answers([[1000, 3, 7, 1001, 9, 2]])
    slots = passes.Slots.of([np.array([[1, 2, 4, 5]])], "cpu")
    first, last = passes.iterations(session, read, slots, objective)
    if constant is not None:
        last = session.states(read, passes.Soft(slots.answers_N, slots.tokens_N, constant))
    return first.square().sum() + (slots.states(last) @ session.coord_output_KH.T).softmax(-1).square().sum()


@pytest.mark.parametrize("iterations", [1, 2, 4])
def test_gradients_of_unroll_and_of_em_detach_are_finite_differences(iterations):
    """Of em_detach: of the loss in which the rows of the last forward are constants."""
    torch.manual_seed(1)
    weight_VH, mixing_HH = torch.randn(1002, 3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64) / 3
    unroll, detach = (losses(n_softctx_iter=iterations, softctx_grad_mode=mode) for mode in ("unroll", "em_detach"))
    slope = difference(lambda m: both_losses(unroll, weight_VH, m), mixing_HH)
    assert torch.allclose(gradient(lambda m: both_losses(unroll, weight_VH, m), mixing_HH), slope, atol=1e-6)
    constant = None
    if iterations > 1:
        with torch.no_grad():
            session, rows = Small(weight_VH, mixing_HH), []
            states = session.states
            session.states = lambda read, soft=None: rows.append(soft) or states(read, soft)
            slots = passes.Slots.of([np.array([[1, 2, 4, 5]])], "cpu")
            passes.iterations(session, answers([[1000, 3, 7, 1001, 9, 2]]), slots, detach)
            constant = rows[-1].rows_NH
    slope_detached = difference(lambda m: both_losses(detach, weight_VH, m, constant), mixing_HH)
    found = gradient(lambda m: both_losses(detach, weight_VH, m), mixing_HH)
    assert torch.allclose(found, slope_detached, atol=1e-6)
    assert torch.allclose(slope, slope_detached, atol=1e-6) == (iterations == 1)


def gradient(loss, at):
    leaf = at.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf), leaf)[0]


def difference(loss, at, step=1e-5):
    found = torch.zeros_like(at)
    with torch.no_grad():
        for place in np.ndindex(*at.shape):
            up, down = at.clone(), at.clone()
            up[place] += step
            down[place] -= step
            found[place] = (loss(up) - loss(down)) / (2 * step)
    return found
