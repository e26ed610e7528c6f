"""Rollouts of a model: the same tokens in any company, ended where they end, and nothing of the model is changed."""

import pytest
import torch
from stage2_samples import samples_for
from tiny_detector import OBJECTS, shared_tiny_detector, tiny_detector

from railyard.stage2.language.rendering import render
from railyard.stage2.model.config import Lora
from railyard.stage2.rollout import hf
from railyard.stage2.rollout.config import RepeatGuard, RolloutMatching
from railyard.stage2.rollout.hf import HfRollouts, eval_mode
from railyard.stage2.scenes.records import SceneObject

SIZES = ((96, 128), (64, 64), (128, 96), (64, 64), (32, 64))
SAMPLED = {"decode_mode": "sample", "temperature": 1.0, "top_k": 50, "top_p": 0.95}


@pytest.fixture
def detector():
    return shared_tiny_detector()


@pytest.fixture
def samples(detector):
    return samples_for(detector.vocabulary, SIZES)


def generate(detector, samples, seeds=None, **keys):
    decode = RolloutMatching(**{"max_new_tokens": 12, "rollout_batch_size": 3, **keys})
    return HfRollouts(detector).generate(samples, decode, seeds or [sample.line for sample in samples])


def by_transformers(detector, sample, **keys):
    """What transformers' own generate makes of one sample."""
    ids = torch.from_numpy(sample.prompt_T)[None]
    with torch.no_grad(), eval_mode(detector):
        found = detector.settle().generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == detector.image_pad).int(),
            pixel_values=torch.from_numpy(sample.patches.patches_PC),
            image_grid_thw=torch.from_numpy(sample.patches.grid_3)[None],
            eos_token_id=detector.vocabulary.im_end,
            pad_token_id=0,
            do_sample=False,
            **keys,
        )
    return found[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("keys", [{}, SAMPLED, {"repetition_penalty": 1.3}])
def test_who_is_beside_a_sample_changes_none_of_its_tokens(detector, samples, keys):
    together = generate(detector, samples, **keys)
    assert [len(ids) for ids in together] == [12] * len(samples)
    for sample, ids in zip(samples, together, strict=True):
        assert generate(detector, [sample], **keys) == [ids]
    turned = generate(detector, samples[::-1], rollout_batch_size=4, **keys)
    assert turned[::-1] == together


def test_another_seed_draws_another_answer(detector, samples):
    first, again, other = (generate(detector, samples, [seed] * 5, **SAMPLED) for seed in (1, 1, 2))
    assert first == again
    assert all(mine != others for mine, others in zip(first, other, strict=True))


def test_greedy_answers_are_those_of_transformers(detector, samples):
    assert generate(detector, samples) == [by_transformers(detector, each, max_new_tokens=12) for each in samples]


def test_beams_find_what_transformers_finds(detector, samples):
    found = generate(detector, samples[:3], decode_mode="beam", num_beams=3, max_new_tokens=6)
    assert found == [by_transformers(detector, each, max_new_tokens=6, num_beams=3) for each in samples[:3]]


def test_answers_are_those_of_the_weights_as_they_are_now(samples):
    detector = tiny_detector()
    before = generate(detector, samples)
    with torch.no_grad():
        detector.rows_KH.mul_(-3)
        for weight in detector.model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    after = generate(detector, samples)
    assert after != before
    assert after == [by_transformers(detector, each, max_new_tokens=12) for each in samples]


def test_the_model_is_as_it_was_afterwards(samples):
    detector = tiny_detector(tuning=Lora(rank=2, dropout=0.5))
    detector.model.model.visual.eval()
    modes = {name: part.training for name, part in detector.named_modules()}
    assert True in modes.values()
    assert False in modes.values()
    state = {name: value.clone() for name, value in detector.state_dict().items()}
    assert generate(detector, samples) == generate(detector, samples)  # and no dropout in between
    assert {name: part.training for name, part in detector.named_modules()} == modes
    assert all(value.equal(state[name]) for name, value in detector.state_dict().items())
    with pytest.raises(KeyError), eval_mode(detector):
        {}["an error inside"]
    assert {name: part.training for name, part in detector.named_modules()} == modes


class Written:
    """In the place of `Writing`: what each sample is to write, as logits that leave no choice."""

    def __init__(self, texts):
        self.texts, self.kept, self.place, self.rows = texts, [], 0, list(range(len(texts)))

    def __call__(self, session):
        return self

    def logits_BV(self):
        ids = torch.tensor([self.texts[row][self.place] for row in self.rows])
        return torch.nn.functional.one_hot(ids, 1500).float()

    def keep(self, rows_N):
        self.rows = [self.rows[row] for row in rows_N.tolist()]
        self.kept.append(list(self.rows))

    def write(self, ids_B):
        assert ids_B.tolist() == [self.texts[row][self.place] for row in self.rows]
        self.place += 1


@pytest.fixture
def written(monkeypatch, detector):
    def answers(*texts, **keys):
        fake = Written([[*detector.vocabulary.encode(text), *[1] * 200] for text in texts])
        monkeypatch.setattr(hf, "Writing", fake)
        decode = RolloutMatching(**{"max_new_tokens": 150, **keys})
        return fake, hf.write(None, decode, [0] * len(texts), detector.vocabulary)

    return answers


def test_an_answer_ends_with_its_turn_and_leaves_the_batch(written, detector):
    fake, found = written("{}<|im_end|>", "{} {}<|im_end|>", "{}{}")
    texts = [detector.vocabulary.join(ids)[0].decode() for ids in found]
    assert texts[:2] == ["{}<|im_end|>", "{} {}<|im_end|>"]
    assert len(found[2]) == 150
    assert fake.kept == [[1, 2], [2]]


def test_the_guard_stops_a_repeat_where_it_closes(written, detector):
    near = SceneObject(OBJECTS[0].desc, (1, 2, 30, 41))
    text = render([*OBJECTS, near, *OBJECTS])
    guard = RepeatGuard(enabled=True)
    _, (found,) = written(text, repeat_guard=guard)
    whole = detector.vocabulary.join(found)[0].decode()
    assert whole.rstrip(",") == render([*OBJECTS, near])[:-1]  # the token that closes it may hold the comma, too
    for other in (RepeatGuard(), RepeatGuard(enabled=True, action="drop")):
        _, (found,) = written(text, repeat_guard=other)
        assert len(found) == 150
    _, (found,) = written(render([*OBJECTS, near]), repeat_guard=RepeatGuard(enabled=True, iou=0.99))
    assert len(found) == 150


def test_no_samples_no_answers(detector):
    assert generate(detector, []) == []
