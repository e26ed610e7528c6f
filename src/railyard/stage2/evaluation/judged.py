"""What an image's rollout came to: predictions with a confidence each, matched with the truth at several IoUs.

Takes samples and the ids of their answers; figures, average precision, overlays and the page of the worst are made from
the results. Plain values, so ranks can send them to each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.matching.assignment import Matching, match
from railyard.stage2.matching.counts import Counts, counts
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.parsing import Prediction, Rollout, parse
from railyard.stage2.rollout.repeats import apply_repeat_guard
from railyard.stage2.rollout.sample import Sample
from railyard.stage2.scenes.records import SceneObject

IOUS = (0.3, 0.5)


@dataclass(frozen=True)
class Judged:
    """One image. `matchings`: by the IoU that a pair has to reach. `tokens`: of the rollout. `boxes`: of the record."""

    line: int
    image: str
    size: tuple[int, int]  # width, height
    objects: tuple[SceneObject, ...]
    rollout: Rollout = field(repr=False)
    predictions: tuple[Prediction, ...]
    confidences: tuple[float, ...]
    text: str = field(repr=False)
    tokens: int
    matchings: Mapping[float, Matching] = field(repr=False)
    counts: Mapping[float, Counts] = field(repr=False)


def kept(rollout: Rollout, decode: RolloutMatching) -> tuple[Prediction, ...]:
    """The predictions of a rollout that the repeat guard lets through."""
    guard = decode.repeat_guard
    return apply_repeat_guard(rollout.predictions, guard.action, guard.iou) if guard.enabled else rollout.predictions


def judge(
    sample: Sample,
    ids: Sequence[int],
    confidences: Sequence[float],
    decode: RolloutMatching,
    vocabulary: Vocabulary,
) -> Judged:
    """The result of one image; `confidences`: of all predictions of the rollout, in its order."""
    rollout = parse(ids, vocabulary)
    score_of = dict(zip(rollout.predictions, confidences, strict=True))
    predictions = kept(rollout, decode)
    true_G4 = [each.box for each in sample.objects]
    matchings = {iou: _match(predictions, true_G4, iou, decode) for iou in sorted({*IOUS, decode.iou_gate})}
    seen = Rollout(predictions, rollout.drops, rollout.begun, rollout.truncated, rollout.scaffold_T, rollout.next_index)
    height, width = sample.pixels_HW3.shape[:2]
    return Judged(
        sample.line,
        sample.image,
        (width, height),
        sample.objects,
        seen,
        predictions,
        tuple(score_of[each] for each in predictions),
        vocabulary.join(np.asarray(ids, np.int64))[0].decode(errors="replace"),
        len(ids),
        matchings,
        {iou: counts(seen, matching) for iou, matching in matchings.items()},
    )


def _match(
    predictions: Sequence[Prediction], true_G4: Sequence[Sequence[int]], iou: float, decode: RolloutMatching
) -> Matching:
    boxes = [each.box for each in predictions]
    return match(boxes, true_G4, decode.candidate_top_k, iou, decode.fp_cost, decode.fn_cost)
