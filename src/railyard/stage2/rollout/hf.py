"""Rollouts by the model that is being trained: batches of about equal length, one token of each at a time.

Prompt and image are read once; the text before the image, which samples have in common, once for a batch. An answer
that has ended leaves its batch.
Legend: B answers in the making, V ids.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.model.detector import Detector
from railyard.stage2.model.forwards import Shared
from railyard.stage2.model.pictures import batch
from railyard.stage2.model.writing import Writing
from railyard.stage2.rollout.beams import Search, rows_to_keep
from railyard.stage2.rollout.choosing import Penalty, chooser
from railyard.stage2.rollout.config import RepeatGuard, RolloutMatching
from railyard.stage2.rollout.repeats import RepeatWatch
from railyard.stage2.rollout.sample import Sample


class HfRollouts:
    """Answers of a model with the weights that it has now."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def generate(self, samples: Sequence[Sample], decode: RolloutMatching, seeds: Sequence[int]) -> list[list[int]]:
        answers: dict[int, list[int]] = {}
        by_length = sorted(range(len(samples)), key=lambda place: len(samples[place].prompt_T))
        with torch.no_grad(), eval_mode(self._detector):
            for first in range(0, len(samples), decode.rollout_batch_size):
                places = by_length[first : first + decode.rollout_batch_size]
                session = self._begin([samples[place] for place in places])
                if decode.decode_mode == "beam":
                    found = search(session, decode, self._detector.vocabulary)
                else:
                    found = write(session, decode, [seeds[place] for place in places], self._detector.vocabulary)
                answers.update(zip(places, found, strict=True))
        return [answers[place] for place in range(len(samples))]

    def _begin(self, samples: Sequence[Sample]) -> Shared:
        pictures = batch([sample.patches for sample in samples])
        session = self._detector.begin([sample.prompt_T for sample in samples], pictures, "shared")
        assert isinstance(session, Shared)
        return session


class _Answer:
    """One answer in the making."""

    def __init__(self, place: int, end: int, watch: RepeatWatch | None) -> None:
        self.place, self.ids = place, list[int]()
        self._end, self._watch = end, watch
        self.has_ended = False

    def take(self, id_: int) -> None:
        self.ids.append(id_)
        # a repeat ends the answer where it closes, without the end of its turn: cut, as by the length
        self.has_ended = id_ == self._end or (self._watch is not None and self._watch.push(id_))


def write(session: Shared, decode: RolloutMatching, seeds: Sequence[int], vocabulary: Vocabulary) -> list[list[int]]:
    """Greedy or sampled answers to the samples of a session, in order."""
    answers = [_Answer(at, vocabulary.im_end, _watch(decode.repeat_guard, vocabulary)) for at in range(len(seeds))]
    writing, choice, penalty = Writing(session), chooser(decode, seeds), Penalty(decode.repetition_penalty)
    going = answers
    for left in reversed(range(decode.max_new_tokens)):
        ids_B = choice.choose(penalty(writing.logits_BV()))
        penalty.note(ids_B)
        for answer, id_ in zip(going, ids_B.tolist(), strict=True):
            answer.take(id_)
        rows = [row for row, answer in enumerate(going) if not answer.has_ended]
        if not rows or not left:
            break
        if len(rows) < len(going):
            rows_N = torch.tensor(rows, device=ids_B.device)
            for part in (writing, choice, penalty):
                part.keep(rows_N)
            going, ids_B = [going[row] for row in rows], ids_B[rows_N]
        writing.write(ids_B)
    return [answer.ids for answer in answers]


def search(session: Shared, decode: RolloutMatching, vocabulary: Vocabulary) -> list[list[int]]:
    """The best answer of a beam search to each sample of a session."""
    searches = [Search(decode.num_beams, vocabulary.im_end) for _ in session.prompts]
    writing, penalty = Writing(session), Penalty(decode.repetition_penalty)
    going = searches
    for left in reversed(range(decode.max_new_tokens)):
        logs_BV = penalty(writing.logits_BV()).log_softmax(dim=-1)
        sizes = [len(each.open_) for each in going]
        for each, own_BV in zip(going, torch.split(logs_BV, sizes), strict=True):
            each.extend(own_BV)
        rows, ids = rows_to_keep(going, sizes)
        going = [each for each in going if not each.is_done]
        if not going or not left:
            break
        rows_N, ids_N = (torch.tensor(values, device=logs_BV.device) for values in (rows, ids))
        writing.keep(rows_N)
        penalty.keep(rows_N)
        penalty.note(ids_N)
        writing.write(ids_N)
    return [each.best for each in searches]


def _watch(guard: RepeatGuard, vocabulary: Vocabulary) -> RepeatWatch | None:
    """`action=drop` takes repeats out of the finished answer instead (`apply_repeat_guard`)."""
    return RepeatWatch(vocabulary, guard.iou) if guard.enabled and guard.action == "stop" else None


@contextmanager
def eval_mode(module: Any) -> Iterator[None]:
    """No dropout inside; afterwards every part is in the mode that it had, which need not be the same for all."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
