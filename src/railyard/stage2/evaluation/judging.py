"""Judges images: their rollouts, how sure the model is of each box, and what of it is right.

`railyard evaluate` and the validation inside training judge alike.
"""

from collections.abc import Iterable, Sequence

from railyard.core.training.distributed import gathered
from railyard.stage2.evaluation import average_precision
from railyard.stage2.evaluation.confidence import confidences
from railyard.stage2.evaluation.figures import rollout_figures
from railyard.stage2.evaluation.judged import Judged, judge
from railyard.stage2.model.detector import Detector
from railyard.stage2.objective.schedule import rollout_seed
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.rollouts import Rollouts
from railyard.stage2.rollout.sample import Sample


class Judging:
    """Judges samples by the answers of `rollouts` and the confidence of `detector` in them.

    A sample's answer is the same in every call, whatever the others are; nothing is drawn from a global generator.
    """

    def __init__(self, detector: Detector, rollouts: Rollouts, decode: RolloutMatching, seed: int = 0) -> None:
        self._detector, self._rollouts, self._decode, self._seed = detector, rollouts, decode, seed

    def __call__(self, samples: Sequence[Sample]) -> list[Judged]:
        """The results of some images, in order."""
        if not samples:
            return []
        seeds = [rollout_seed(self._seed, 0, sample.line) for sample in samples]
        rollouts = self._rollouts.generate(samples, self._decode, seeds)
        scores = confidences(self._detector, samples, rollouts)
        vocabulary = self._detector.vocabulary
        return [
            judge(sample, ids, score, self._decode, vocabulary)
            for sample, ids, score in zip(samples, rollouts, scores, strict=True)
        ]

    def figures(self, images: Sequence[Judged]) -> dict[str, float]:
        """All figures of some images; those of average precision where the extra `coco` is there."""
        precision = average_precision.figures(images) if average_precision.available() else {}
        return {**rollout_figures(images, self._decode.iou_gate), **precision}


def of_all_ranks(images: Iterable[Judged]) -> list[Judged]:
    """The images that every rank judged, by their line: the same list on every rank."""
    everything = [image for own in gathered(list(images)) for image in own]
    return sorted(everything, key=lambda image: image.line)
