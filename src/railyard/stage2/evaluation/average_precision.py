"""COCO's average precision of judged images, by faster-coco-eval (the extra `coco`).

Categories are the normalised descriptions of the truth. A prediction with another description is a false positive of no
category: left out, and counted. Beside it stands AP with all descriptions as one category (`_loc`). Boxes and areas are
in bins.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from railyard.core.errors import UserError
from railyard.stage2.evaluation.judged import Judged
from railyard.stage2.objective.semantic_gate import normalise
from railyard.stage2.scenes.coordinates import Box

NAMES = {"AP": 0, "AP50": 1, "AP75": 2, "AR100": 8}  # places among COCO's twelve numbers
MISSING = "average precision needs faster-coco-eval: pip install 'railyard[coco]'"


def available() -> bool:
    return importlib.util.find_spec("faster_coco_eval") is not None


def figures(images: Sequence[Judged]) -> dict[str, float]:
    """`eval/AP`, `AP50`, `AP75` and `AR100` in 0..1, the same with `_loc`, and `eval/other_descriptions`: predictions
    whose description the truth has nowhere.

    All are 0 where nothing is predicted or nothing is there. UserError without the extra.
    """
    if not available():
        raise UserError(MISSING)
    known = sorted({normalise(each.desc) for image in images for each in image.objects})
    number_of = {name: number for number, name in enumerate(known, start=1)}
    by_name = _scores(images, lambda desc: number_of.get(normalise(desc)))
    anywhere = _scores(images, lambda desc: 1)
    other = sum(normalise(each.desc) not in number_of for image in images for each in image.predictions)
    return {
        **{f"eval/{name}": value for name, value in by_name.items()},
        **{f"eval/{name}_loc": value for name, value in anywhere.items()},
        "eval/other_descriptions": float(other),
    }


def _scores(images: Sequence[Judged], category: Callable[[str], int | None]) -> dict[str, float]:
    from faster_coco_eval import COCO, COCOeval_faster

    truth, found = _annotations(images, category), _detections(images, category)
    if not truth or not found:
        return dict.fromkeys(NAMES, 0.0)
    categories = sorted({each["category_id"] for each in truth})
    pictures = [{"id": number, "width": 1000, "height": 1000} for number in range(1, len(images) + 1)]
    dataset = {
        "info": {},
        "images": pictures,
        "annotations": truth,
        "categories": [{"id": each, "name": str(each)} for each in categories],
    }
    true = COCO(dataset)
    judge = COCOeval_faster(true, true.loadRes(found), iouType="bbox", print_function=_silent)
    judge.run() if hasattr(judge, "run") else _run(judge)
    # -1 stands for what has no truth to be measured by
    return {name: max(0.0, float(judge.stats[place])) for name, place in NAMES.items()}


def _run(judge: Any) -> None:
    judge.evaluate()
    judge.accumulate()
    judge.summarize()


def _annotations(images: Sequence[Judged], category: Callable[[str], int | None]) -> list[dict[str, Any]]:
    boxes = [(number, each) for number, image in enumerate(images, start=1) for each in image.objects]
    return [
        {"id": id_, "image_id": number, "category_id": category(each.desc), "iscrowd": 0, **_placed(each.box)}
        for id_, (number, each) in enumerate(boxes, start=1)
    ]


def _detections(images: Sequence[Judged], category: Callable[[str], int | None]) -> list[dict[str, Any]]:
    return [
        {"image_id": number, "category_id": found, "score": score, **_placed(each.box)}
        for number, image in enumerate(images, start=1)
        for each, score in zip(image.predictions, image.confidences, strict=True)
        if (found := category(each.desc)) is not None
    ]


def _placed(box: Box) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    return {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}


def _silent(*_: Any) -> None:
    """Its table would be printed to the log of a run at every validation."""
