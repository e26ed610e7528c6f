"""What channel B and evaluation ask of whoever generates: the token ids of each sample's answer.

`hf.py` is the trained model itself, `vllm.py` a server; the answers that are written here are for tests and for looking
at the trainer without a model that can answer.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from railyard.stage2.language.rendering import EMPTY
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.sample import Sample


class Rollouts(Protocol):
    """Generates answers."""

    def generate(self, samples: Sequence[Sample], decode: RolloutMatching, seeds: Sequence[int]) -> list[list[int]]:
        """The ids of an answer to each sample, its `<|im_end|>` included; without one where the length cut it.

        `seeds`: one a sample, for what is drawn (`objective.schedule.rollout_seed`); an answer depends on its own
        sample and seed alone, whatever the others are.
        """


def from_the_record(sample: Sample) -> str:
    """The rollout that a record's metadata holds, `{}` where it holds none."""
    return EMPTY if sample.written is None else sample.written


class Scripted:
    """Answers that are written: by default those in `metadata.rollout` of the records."""

    def __init__(self, vocabulary: Vocabulary, answer: Callable[[Sample], str] = from_the_record) -> None:
        self._vocabulary, self._answer = vocabulary, answer

    def generate(self, samples: Sequence[Sample], decode: RolloutMatching, seeds: Sequence[int]) -> list[list[int]]:
        answers = [[*self._vocabulary.encode(self._answer(each)), self._vocabulary.im_end] for each in samples]
        return [answer[: decode.max_new_tokens] for answer in answers]
