"""Objects that a model writes again: the guard against bursts of near-duplicates, and how bad they are.

An object repeats an earlier one of the same description if their IoU reaches the threshold, or if their boxes are
equal (empty ones have no IoU). Works on the predictions of one rollout.
Legend: N predictions.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from railyard.core.arrays import Bool
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.rollout.parsing import Prediction, parse
from railyard.stage2.scenes.boxes import iou

NEAR_DUPLICATE_IOU = 0.9

Action = Literal["stop", "drop"]


def find_repeats(predictions: Sequence[Prediction], threshold: float = NEAR_DUPLICATE_IOU) -> Bool:
    """Which predictions [N] repeat an earlier one. Their share is the near-duplicate rate."""
    boxes_N4 = np.array([prediction.box for prediction in predictions]).reshape(-1, 4)
    _, desc_N = np.unique([prediction.desc for prediction in predictions], return_inverse=True)
    close_NN = (iou(boxes_N4, boxes_N4) >= threshold) | (boxes_N4[:, None] == boxes_N4[None]).all(-1)
    repeats_N: Bool = np.tril(close_NN & (desc_N[:, None] == desc_N[None]), -1).any(1)
    return repeats_N


def max_same_desc(predictions: Sequence[Prediction]) -> int:
    """How often the most frequent description occurs, 0 where there are no predictions."""
    return max(Counter(prediction.desc for prediction in predictions).values(), default=0)


def apply_repeat_guard(
    predictions: Sequence[Prediction], action: Action, threshold: float = NEAR_DUPLICATE_IOU
) -> tuple[Prediction, ...]:
    """The predictions without repeats (`drop`), or those before the first repeat (`stop`)."""
    repeats_N = find_repeats(predictions, threshold)
    if action == "stop":
        repeats_N = np.logical_or.accumulate(repeats_N)
    return tuple(prediction for prediction, repeated in zip(predictions, repeats_N, strict=True) if not repeated)


class RepeatWatch:
    """Follows one rollout during generation and reports each object that repeats an earlier one.

    Parses the rollout again whenever a token holds a `}`: 60 times 30 objects on average for a rollout of 60.
    """

    def __init__(self, vocabulary: Vocabulary, threshold: float = NEAR_DUPLICATE_IOU) -> None:
        self._vocabulary, self._threshold = vocabulary, threshold
        self._ids: list[int] = []
        self._seen = 0

    def push(self, token: int) -> bool:
        """Takes the next token; true where it closes an object that repeats one."""
        self._ids.append(token)
        if b"}" not in self._vocabulary.join([token])[0]:
            return False
        predictions = parse(self._ids, self._vocabulary).predictions
        before, self._seen = self._seen, len(predictions)
        return self._seen > before and bool(find_repeats(predictions, self._threshold)[before:].any())
