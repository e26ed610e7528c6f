"""Counts of rollouts, which add up over images, micro-batches and ranks, and the figures that are logged of them.

Takes each image's rollout and its matching. Over-generation shows in the tails first: repeats, the most frequent
description of an image, rollouts that were cut, predictions for each true object.
"""

from collections import Counter
from dataclasses import dataclass, field, fields

from railyard.stage2.matching.assignment import Matching
from railyard.stage2.rollout.parsing import BUCKETS, Bucket, Rollout
from railyard.stage2.rollout.repeats import find_repeats, max_same_desc

STRICT_DROP = "stage2_ab/channel_b/strict_drop"


@dataclass(frozen=True)
class Counts:
    """Counts over some images, all 0 by default. `kept`: predictions. `repeated`: those that repeat an earlier one."""

    images: int = 0
    objects: int = 0
    kept: int = 0
    matched: int = 0
    ious: float = 0.0  # their sum over matched pairs
    gated: int = 0
    truncated: int = 0
    repeated: int = 0
    max_same_desc: int = 0  # the largest of all images
    drops: Counter[Bucket] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Counts(**{**sums, "max_same_desc": max(self.max_same_desc, other.max_same_desc)})

    def figures(self) -> dict[str, float]:
        """Logged counts, and rates of counts; a rate of nothing is 0."""
        return {
            f"{STRICT_DROP}/N_valid_pred": self.kept,
            f"{STRICT_DROP}/N_drop_invalid": self.drops.total(),
            **{f"{STRICT_DROP}/reason/{bucket}": self.drops[bucket] for bucket in BUCKETS},
            "rollout/precision": _share(self.matched, self.kept),
            "rollout/recall": _share(self.matched, self.objects),
            "rollout/f1": _share(2 * self.matched, self.kept + self.objects),
            "rollout/fp": self.kept - self.matched,
            "rollout/fn": self.objects - self.matched,
            "rollout/match_rate": _share(self.matched, self.objects),
            "rollout/gt_objects": self.objects,
            "rollout/valid_pred_objects": self.kept,
            "rollout/gating_rejections": self.gated,
            "rollout/matched_iou_mean": _share(self.ious, self.matched),
            "rollout/parse_truncated_rate": _share(self.truncated, self.images),
            "rollout/near_duplicate_rate": _share(self.repeated, self.kept),
            "rollout/max_same_desc": self.max_same_desc,
            "rollout/pred_per_gt": _share(self.kept, self.objects),
        }


def counts(rollout: Rollout, matching: Matching) -> Counts:
    """The counts of one image."""
    return Counts(
        images=1,
        objects=len(matching.pairs) + len(matching.missed),
        kept=len(rollout.predictions),
        matched=len(matching.pairs),
        ious=sum(matching.ious),
        gated=matching.gated,
        truncated=int(rollout.truncated),
        repeated=int(find_repeats(rollout.predictions).sum()),
        max_same_desc=max_same_desc(rollout.predictions),
        drops=Counter(rollout.drops),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
