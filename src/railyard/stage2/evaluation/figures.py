"""The figures of judged images: what was found, what was invented, and the tails.

Over-generation shows in the tails first: repeats, the longest answers, predictions for each true object.
"""

from collections.abc import Sequence

import numpy as np

from railyard.stage2.evaluation.judged import IOUS, Judged
from railyard.stage2.matching.counts import STRICT_DROP, Counts

PREFIX = "eval_rollout_"
AT_EACH_IOU = ("precision", "recall", "f1", "matched_iou_mean")


def rollout_figures(images: Sequence[Judged], iou_gate: float) -> dict[str, float]:
    """`eval_rollout_*`: rates and counts at the IoU that training matches by, the four main ones at 0.3 and 0.5 too
    (`_30`, `_50`), drop buckets, and 90 % and the most of repeats, lengths and predictions a true object by image.
    """
    total = {iou: sum((image.counts[iou] for image in images), Counts()) for iou in {*IOUS, iou_gate}}
    named = {_name(key): value for key, value in total[iou_gate].figures().items()}
    for iou in IOUS:
        at_iou = total[iou].figures()
        named |= {f"{name}_{round(100 * iou)}": at_iou[f"rollout/{name}"] for name in AT_EACH_IOU}
    return {
        f"{PREFIX}{name}": float(value) for name, value in {"images": len(images), **named, **_tails(images)}.items()
    }


def f1(image: Judged, iou: float = 0.5) -> float:
    """The F1 of one image, 1 where there is nothing to be found and nothing was."""
    found = image.counts[iou]
    return 2 * found.matched / (found.kept + found.objects) if found.kept + found.objects else 1.0


def _name(key: str) -> str:
    word = key.rpartition("/")[2]
    return f"drop_{word}" if key.startswith(f"{STRICT_DROP}/reason/") else word


def _tails(images: Sequence[Judged]) -> dict[str, float]:
    some = [next(iter(image.counts.values())) for image in images]
    by_image: dict[str, list[float]] = {
        "max_same_desc": [each.max_same_desc for each in some],
        "repeated": [each.repeated for each in some],
        "pred_per_gt": [each.kept / max(1, each.objects) for each in some],
        "tokens": [image.tokens for image in images],
    }
    tails = {}
    for name, values in by_image.items():
        tails[f"{name}_p90"] = float(np.quantile(values, 0.9)) if values else 0.0
        tails[f"{name}_most"] = float(max(values, default=0))
    return tails
