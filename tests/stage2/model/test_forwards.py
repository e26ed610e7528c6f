import numpy as np
import pytest
import torch
from tiny_detector import alone, tiny_batch, tiny_detector

from railyard.stage2.model.answers import Soft, answers
from railyard.stage2.model.config import Lora
from railyard.stage2.model.segments import has_segments

KINDS = ("shared", "padded", "packed")
CLOSE = {"atol": 1e-5, "rtol": 0}


@pytest.fixture(scope="module")
def detector():
    return tiny_detector()


@pytest.fixture(scope="module")
def batch(detector):
    return tiny_batch(detector)


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_each_sample_alone(detector, batch, kind):
    with torch.no_grad():
        states = detector.begin(batch.prompts, batch.pictures, kind).states(batch.answers)
        for sample, ids in enumerate(batch.ids):
            expected = alone(detector, batch, sample, ids)
            torch.testing.assert_close(states[sample, : 1 + len(ids)], expected, **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_go_to_any_samples_and_several_to_one(detector, batch, kind):
    ids, samples = [batch.ids[1], [5, 6], batch.ids[0]], [2, 0, 2]
    with torch.no_grad():
        states = detector.begin(batch.prompts, batch.pictures, kind).states(answers(ids, samples))
        for row, (own, sample) in enumerate(zip(ids, samples, strict=True)):
            torch.testing.assert_close(states[row, : 1 + len(own)], alone(detector, batch, sample, own), **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_empty_answers_has_the_prompts_last_states(detector, batch, kind):
    with torch.no_grad():
        states = detector.begin(batch.prompts, batch.pictures, kind).states(answers([[], [], []]))
        assert states.shape[:2] == (3, 1)
        torch.testing.assert_close(states[1, 0], alone(detector, batch, 1, [])[0], **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_alone_is_a_batch(detector, kind):
    batch = tiny_batch(detector, sizes=((64, 96), (64, 64)))
    one = detector.begin(batch.prompts[:1], type(batch)(batch.patches[:1], [], []).pictures, kind)
    with torch.no_grad():
        states = one.states(answers(batch.ids[:1]))
        torch.testing.assert_close(states[0], alone(detector, batch, 0, batch.ids[0]), **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_soft_rows_are_read_where_they_are_put(detector, batch, kind):
    """Rows that are a token's own embedding change nothing but which token is read."""
    other = [list(ids) for ids in batch.ids]
    other[0][7], other[1][3] = 9, 11
    session = detector.begin(batch.prompts, batch.pictures, kind)
    rows = session.input_VH[torch.tensor([9, 11])]
    soft = Soft(torch.tensor([0, 1]), torch.tensor([7, 3]), rows)
    with torch.no_grad():
        torch.testing.assert_close(session.states(batch.answers, soft), session.states(answers(other)), **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_token_in_an_answer_is_a_token(detector, batch, kind):
    """A rollout may write one; transformers would look for an image there."""
    ids = [[5, detector.image_pad, 6], [7], []]
    with torch.no_grad():
        states = detector.begin(batch.prompts, batch.pictures, kind).states(answers(ids))
    assert states.isfinite().all()


@pytest.mark.parametrize("lora", [False, True])
def test_gradients_are_those_of_each_sample_alone(lora):
    tuning = Lora(rank=2, alpha=4.0) if lora else None
    gradients = {}
    for kind in ("alone", *KINDS):
        detector = tiny_detector(tuning=tuning)
        if lora:
            shake(detector)
        batch = tiny_batch(detector)
        if kind == "alone":
            states = [alone(detector, batch, sample, ids) for sample, ids in enumerate(batch.ids)]
            rows = detector.model.get_input_embeddings().weight[detector.coord_ids_K]
        else:
            found = detector.begin(batch.prompts, batch.pictures, kind).states(batch.answers)
            states = [found[sample, : 1 + len(ids)] for sample, ids in enumerate(batch.ids)]
        sum((each * directions(each)).sum() for each in states).backward()
        gradients[kind] = {name: weight.grad for name, weight in detector.named_parameters() if weight.grad is not None}
    expected = gradients.pop("alone")
    if not lora:  # they stand inside the one matrix there
        name = "model.model.language_model.embed_tokens.weight"
        rows = expected[name][detector.coord_ids_K].clone()
        expected[name][detector.coord_ids_K] = 0
        expected["rows_KH"] = rows
    for found in gradients.values():
        shared = expected.keys() & found.keys()
        assert expected.keys() == shared
        for name in expected:
            torch.testing.assert_close(found[name], expected[name], **CLOSE)


@pytest.mark.parametrize("keys", [{}, {"attention": "eager"}, {"gradient_checkpointing": True}])
def test_packed_networks_attend_by_segments_or_by_positions(keys):
    packed = tiny_detector(forwards="packed", **keys)
    assert has_segments(packed.model) == (keys.get("attention") != "eager")
    batch = tiny_batch(packed)
    if "gradient_checkpointing" in keys:
        with pytest.raises(ValueError, match="drops the keys and values"):
            packed.begin(batch.prompts, batch.pictures, "shared")
        packed.eval().begin(batch.prompts, batch.pictures, "shared")  # as rollouts do
        packed.train()
    for forwards in ("shared", None) if "gradient_checkpointing" not in keys else (None,):
        states = packed.begin(batch.prompts, batch.pictures, forwards).states(batch.answers)
        with torch.no_grad():
            expected = alone(tiny_detector(), batch, 1, batch.ids[1])
        torch.testing.assert_close(states[1, : len(expected)], expected, **CLOSE)
    states.square().sum().backward()
    assert packed.rows_KH.grad.isfinite().all()


def test_vision_and_prompts_are_read_once(detector, batch):
    counts = {"vision": 0, "text": 0}
    hooks = [
        detector.model.model.visual.register_forward_hook(lambda *_: count(counts, "vision")),
        detector.model.model.language_model.register_forward_hook(lambda *_: count(counts, "text")),
    ]
    session = detector.begin(batch.prompts, batch.pictures)
    assert counts == {"vision": 1, "text": 2}  # the text before the image, and the rest of the prompts
    for _ in range(3):
        session.states(batch.answers)
    for hook in hooks:
        hook.remove()
    assert counts == {"vision": 1, "text": 5}


def test_prompts_that_differ_in_their_texts_share_what_they_begin_with(detector, batch):
    prompts = [ids.copy() for ids in batch.prompts]
    prompts[1][4] += 1
    with torch.no_grad():
        states = detector.begin(prompts, batch.pictures).states(batch.answers)
        changed = type(batch)(batch.patches, prompts, batch.ids)
        for sample in range(3):
            expected = alone(detector, changed, sample, batch.ids[sample])
            torch.testing.assert_close(states[sample, : len(expected)], expected, **CLOSE)


def count(counts: dict[str, int], name: str) -> None:
    counts[name] += 1


def shake(detector) -> None:
    """Adapters begin as zeros, which hide half of the gradients."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if ".lora_" in name:
                weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))


def directions(states: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=tuple(states.shape)).astype(np.float32)) / 50
