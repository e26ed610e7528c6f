"""COCO annotations (`instances_*.json`) as records in pixels, one image a line; images without objects stay.

The file is read as a whole, as its form demands: it may list the annotations of an image anywhere.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from railyard.core.errors import UserError, short
from railyard.stage2.scenes.descriptions import sanitise
from railyard.stage2.scenes.records import MOST_PIXELS

LISTS = ("images", "annotations", "categories")
FARTHEST = 1e9  # pixels


def records(path: Path, counts: Counter[str]) -> Iterator[bytes]:
    """Lines of JSON, one an image, in the file's order; what is left out is counted by its reason.

    Raises UserError, one sentence, for a file that is not COCO.
    """
    content = _content(path)
    names = _names(content["categories"], path)
    images = _by_id(content["images"], "images", path)
    if not images:
        raise UserError(f"{path} lists no image: there is nothing to convert")
    boxes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for each in content["annotations"]:
        if isinstance(each, dict) and _refers(each, "image_id", images):
            found = _object(each, images[each["image_id"]], names, path)
        else:
            found = "annotations of no image"
        if isinstance(found, str):
            counts[found] += 1
        else:
            boxes[each["image_id"]].append(found)
    for number, image in images.items():
        yield _line(number, image, boxes[number], path)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = from_json(path.read_bytes())
    except ValueError as fault:
        raise UserError(f"{path} is not JSON ({fault}): is it whole?") from fault
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in LISTS):
        raise UserError(f"{path} is not COCO: it has the lists {', '.join(LISTS)}; a file of records ends in .jsonl")
    return content


def _by_id(values: list[Any], what: str, path: Path) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for each in values:
        number = _whole(each, "id", path, f"an entry of {what}")
        if number in found:
            raise UserError(f"{path}: the id {short(number)} stands twice in {what}: which one is meant?")
        found[number] = each
    return found


def _refers(value: Mapping[str, Any], name: str, table: Mapping[int, Any]) -> bool:
    return isinstance(value.get(name), int | float) and value[name] in table


def _is_length(value: Any) -> bool:
    """A number near enough to pixels to be cut at an image's edge; NaN is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FARTHEST


def _names(categories: list[Any], path: Path) -> dict[int, str | None]:
    """Description by category, None where the name cannot be one."""
    names: dict[int, str | None] = {}
    for number, each in _by_id(categories, "categories", path).items():
        name = each.get("name")
        try:
            names[number] = sanitise(name if isinstance(name, str) else "")
        except ValueError:
            names[number] = None
    return names


def _object(
    value: Mapping[str, Any], image: Mapping[str, Any], names: Mapping[int, str | None], path: Path
) -> dict[str, Any] | str:
    """An object of a record, or the reason why there is none."""
    if value.get("iscrowd"):
        return "crowds"
    box = value.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_length, box)):
        return "annotations without a box"
    if not _refers(value, "category_id", names):
        return "annotations of no category"
    if (desc := names[value["category_id"]]) is None:
        return "names that are no plain description"
    x, y, w, h = box
    if not (w > 0 and h > 0):
        return "empty boxes"
    width, height = _side(image, "width", path), _side(image, "height", path)
    x1, x2 = max(0, x), min(width, x + w)
    y1, y2 = max(0, y), min(height, y + h)
    if x2 <= x1 or y2 <= y1:
        return "boxes beside the image"
    return {"desc": desc, "bbox_2d": [x1, y1, x2, y2]}


def _line(number: int, image: Mapping[str, Any], objects: list[dict[str, Any]], path: Path) -> bytes:
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        raise UserError(f"{path}: image {number} has no file_name")
    record = {"images": [name], "objects": objects}
    record |= {side: _side(image, side, path) for side in ("width", "height")}
    return json.dumps(record | {"metadata": {"image_id": number}}, ensure_ascii=False).encode() + b"\n"


def _side(image: Mapping[str, Any], name: str, path: Path) -> int:
    side = _whole(image, name, path, f"image {image['id']}")
    if not 0 < side <= MOST_PIXELS:
        wanted = f"a number of pixels above 0 and at most {MOST_PIXELS:,}"
        raise UserError(f"{path}: {name} of image {image['id']} is {short(side)}; it is {wanted}")
    return side


def _whole(value: Any, name: str, path: Path, owner: str) -> int:
    number = value.get(name) if isinstance(value, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise UserError(f"{path}: {name} of {owner} is a whole number, got {short(number)}")
    return number
