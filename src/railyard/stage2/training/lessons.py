"""What a sample teaches in a step: its target with the weight of each token, and where boxes are read.

Channel A makes lessons of the ground truth; channel B of a rollout, parsed, matched and judged. No model takes part but
the gate's. Lessons go to `passes.py`, with the sums of their weights as the denominators of a window's means.
Legend: T tokens.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from railyard.core.arrays import F32, I64, Bool
from railyard.stage2.language.vocabulary import Ids, Vocabulary
from railyard.stage2.matching.assignment import Matching, match
from railyard.stage2.matching.counts import Counts, counts
from railyard.stage2.objective import weights
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.objective.targets import Geometry, Target, TargetBuilder, all_geometry, matched_geometry
from railyard.stage2.objective.total import COORD_TERMS
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.parsing import Prediction, Rollout, parse
from railyard.stage2.rollout.repeats import apply_repeat_guard
from railyard.stage2.scenes.records import SceneObject

BOX_TERMS = ("bbox_smoothl1", "bbox_ciou")


@dataclass(frozen=True)
class Lesson:
    """`weights_T`: of the target's tokens in the cross entropy. `geometry`: slots and true boxes, read in the target in
    channel A, and in channel B in the rollout's `scaffold_T`, which is None where no box is to be read.
    """

    target: Target
    weights_T: F32 = field(repr=False)
    geometry: Geometry
    scaffold_T: I64 | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Judged:
    """A rollout beside the truth. `accepted_M`: the pairs whose predicted description the gate takes for right."""

    rollout: Rollout
    matching: Matching
    counts: Counts
    accepted_M: Bool = field(repr=False)


class Teacher:
    """Makes lessons with one vocabulary and the settings of a run. `gate()` gives the semantic gate."""

    def __init__(
        self, vocabulary: Vocabulary, objective: Stage2AB, matching: RolloutMatching, gate: Callable[[], SemanticGate]
    ) -> None:
        self._vocabulary, self._objective, self._matching, self._gate = vocabulary, objective, matching, gate
        self._build = TargetBuilder(vocabulary)

    def channel_a(self, objects: Sequence[SceneObject]) -> Lesson:
        """All true objects, in canonical order."""
        target = self._build.canonical(objects)
        return Lesson(target, weights.channel_a(target, self._objective.desc_ce_weight), all_geometry(target))

    def judge(self, samples: Sequence[Sequence[SceneObject]], rollouts: Sequence[Ids]) -> list[Judged]:
        """Rollouts parsed and matched with the true objects of their samples; descriptions are compared all at once."""
        parsed = [parse(ids, self._vocabulary) for ids in rollouts]
        matched = [self._match(rollout, objects) for rollout, objects in zip(parsed, samples, strict=True)]
        verdicts = self._verdicts(samples, parsed, matched)
        return [
            Judged(rollout, matching, counts(rollout, matching), verdict)
            for rollout, matching, verdict in zip(parsed, matched, verdicts, strict=True)
        ]

    def channel_b(self, objects: Sequence[SceneObject], judged: Judged) -> Lesson:
        """The objects in the order of the rollout's predictions, then those that it missed; boxes of pairs alone."""
        target = self._build.reordered(objects, judged.matching)
        knobs = self._objective.channel_b
        weights_T = weights.channel_b(
            target,
            judged.accepted_M,
            judged.rollout.dropped,
            desc_ce_weight=self._objective.desc_ce_weight,
            desc_ce_weight_matched=knobs.desc_ce_weight_matched,
            drop_invalid_struct_ce_multiplier=knobs.drop_invalid_struct_ce_multiplier,
            stop_supervision=knobs.stop_supervision,
            stop_weight=knobs.stop_weight,
        )
        geometry = matched_geometry(self._kept(judged.rollout), objects, judged.matching)
        return Lesson(target, weights_T, geometry, _read_to(judged.rollout.scaffold_T, geometry.slots_N4))

    def _match(self, rollout: Rollout, objects: Sequence[SceneObject]) -> Matching:
        knobs = self._matching
        return match(
            np.array([each.box for each in self._kept(rollout)], np.int64).reshape(-1, 4),
            np.array([each.box for each in objects], np.int64).reshape(-1, 4),
            knobs.candidate_top_k,
            knobs.iou_gate,
            knobs.fp_cost,
            knobs.fn_cost,
        )

    def _kept(self, rollout: Rollout) -> tuple[Prediction, ...]:
        """Predictions that are matched: without what the guard against repeats takes out."""
        guard = self._matching.repeat_guard
        return (
            apply_repeat_guard(rollout.predictions, guard.action, guard.iou) if guard.enabled else rollout.predictions
        )

    def _verdicts(
        self, samples: Sequence[Sequence[SceneObject]], rollouts: Sequence[Rollout], matched: Sequence[Matching]
    ) -> list[Bool]:
        """For each sample, which of its pairs have descriptions that agree."""
        predicted, true = [], []
        for objects, rollout, matching in zip(samples, rollouts, matched, strict=True):
            kept = self._kept(rollout)
            predicted += [kept[index].desc for index, _ in matching.pairs]
            true += [objects[index].desc for _, index in matching.pairs]
        accepted_N = self._gate().accepts(predicted, true)
        ends = np.cumsum([len(matching.pairs) for matching in matched], dtype=np.int64)
        return np.split(accepted_N, ends[:-1]) if len(ends) else []


def _read_to(scaffold_T: I64, slots_N4: I64) -> I64 | None:
    """A scaffold up to its last slot that is read: what comes after has no effect on it. None where none is read."""
    return scaffold_T[: int(slots_N4.max()) + 1] if len(slots_N4) else None


def denominators(lessons: Iterable[Lesson]) -> dict[str, float]:
    """Of each term, the weights of all rows that are planned: tokens, boxes, or slots (four a box)."""
    tokens, boxes = 0.0, 0
    for lesson in lessons:
        tokens += float(lesson.weights_T.sum(dtype=np.float64))
        boxes += len(lesson.geometry.slots_N4)
    return {"ce": tokens, **{term: float(boxes if term in BOX_TERMS else 4 * boxes) for term in COORD_TERMS}}
