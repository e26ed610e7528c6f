"""COCO annotations (`instances_*.json`) as records in pixels, one image a line; images without objects stay.

The file is read as a whole, as its form demands: it may list the annotations of an image anywhere.
"""

import codecs
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from railyard.core.errors import UserError, short
from railyard.core.store.reading import open_regular, read_bytes
from railyard.stage2.scenes.descriptions import sanitise
from railyard.stage2.scenes.records import MOST_PIXELS

LISTS = ("images", "annotations", "categories")
MOST_COCO_BYTES = 2**30
FARTHEST = 1e9  # pixels
BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NO_CROWD = (None, False, 0, "0", "")
FAULT = "fault"  # key of a record without an image: the reason


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
    _refuse_doubled(content["annotations"], path)
    for each in content["annotations"]:
        found = _object(each, images, names) if isinstance(each, dict) else "annotations that are no object"
        if isinstance(found, str):
            counts[found] += 1
        else:
            boxes[each["image_id"]].append(found)
    if content["annotations"] and not any(boxes.values()):
        reason, count = counts.most_common(1)[0]
        raise UserError(
            f"{path}: none of its {len(content['annotations'])} annotations can be taken, most often because of "
            f"{reason} ({count}): mend the file, or leave its annotations out for images without objects"
        )
    for number, image in images.items():
        yield _line(number, image, boxes[number])


def _content(path: Path) -> dict[str, Any]:
    no_coco = f"{path} is not COCO: it has the lists {', '.join(LISTS)}; a file of records ends in .jsonl"
    with open_regular(path) as file:
        head = file.read(64)
    if head.startswith(BYTE_ORDER_MARKS):
        raise UserError(f"{path} begins with a byte order mark (BOM): save it as UTF-8 without one")
    if head.strip() and not head.lstrip().startswith(b"{"):  # a large one of another form is not read
        raise UserError(no_coco)
    data = read_bytes(path, MOST_COCO_BYTES)
    try:
        content = from_json(data)
    except ValueError as fault:
        raise UserError(f"{path} is not JSON ({fault}): is it whole?") from fault
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in LISTS):
        raise UserError(no_coco)
    return content


def _by_id(values: list[Any], what: str, path: Path) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for each in values:
        number = _whole(each, "id", path, f"an entry of {what}")
        if number in found:
            raise UserError(f"{path}: the id {short(number)} stands twice in {what}: which one is meant?")
        found[number] = each
    return found


def _refuse_doubled(annotations: list[Any], path: Path) -> None:
    ids = (each.get("id") for each in annotations if isinstance(each, dict))
    for number, count in Counter(number for number in ids if isinstance(number, int | str)).most_common(1):
        if count > 1:
            raise UserError(f"{path}: the id {short(number)} stands {count} times in annotations: which one is meant?")


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
    value: Mapping[str, Any], images: Mapping[int, Mapping[str, Any]], names: Mapping[int, str | None]
) -> dict[str, Any] | str:
    """An object of a record, or the reason why there is none."""
    if not _refers(value, "image_id", images):
        return _no_reference(value, "image_id", "annotations of no image")
    if value.get("iscrowd") not in NO_CROWD:
        return "crowds"
    box = value.get("bbox")
    if isinstance(box, list) and len(box) == 4 and any(isinstance(number, str) for number in box):
        return "boxes whose numbers are text"
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_length, box)):
        return "annotations without a box"
    if not _refers(value, "category_id", names):
        return _no_reference(value, "category_id", "annotations of no category")
    if (desc := names[value["category_id"]]) is None:
        return "names that are no plain description"
    if _is_rotated(value):
        return "rotated boxes"
    return _cut(box, desc, images[value["image_id"]])


def _no_reference(value: Mapping[str, Any], name: str, otherwise: str) -> str:
    return f"annotations whose {name} is text" if isinstance(value.get(name), str) else otherwise


def _is_rotated(value: Mapping[str, Any]) -> bool:
    """CVAT gives the box before its rotation, with the angle among the attributes."""
    attributes = value.get("attributes")
    angle: Any = attributes.get("rotation") if isinstance(attributes, dict) else None
    return _is_length(angle) and angle % 360 != 0


def _cut(box: list[float], desc: str, image: Mapping[str, Any]) -> dict[str, Any] | str:
    """The box as far as it lies in its image; whole where the image's size is not known."""
    x, y, w, h = box
    if not (w > 0 and h > 0):
        return "empty boxes"
    width, height = (image[side] if _side_fault(image, side) is None else FARTHEST for side in ("width", "height"))
    x1, x2 = max(0, x), min(width, x + w)
    y1, y2 = max(0, y), min(height, y + h)
    if x2 <= x1 or y2 <= y1:
        return "boxes beside the image"
    return {"desc": desc, "bbox_2d": [x1, y1, x2, y2]}


def _line(number: int, image: Mapping[str, Any], objects: list[dict[str, Any]]) -> bytes:
    """The record of an image; of one that cannot be taken only its id and why."""
    name = image.get("file_name")
    fault = None if isinstance(name, str) and name else f"it has no file_name, got {short(name)}"
    if fault := fault or _side_fault(image, "width") or _side_fault(image, "height"):
        return json.dumps({FAULT: fault, "metadata": {"image_id": number}}).encode() + b"\n"
    record = {"images": [name], "objects": objects, "width": image["width"], "height": image["height"]}
    return json.dumps(record | {"metadata": {"image_id": number}}, ensure_ascii=False).encode() + b"\n"


def _side_fault(image: Mapping[str, Any], name: str) -> str | None:
    side = image.get(name)
    if isinstance(side, int) and not isinstance(side, bool) and 0 < side <= MOST_PIXELS:
        return None
    return f"{name} is a whole number of pixels above 0 and at most {MOST_PIXELS:,}, got {short(side)}"


def _whole(value: Any, name: str, path: Path, owner: str) -> int:
    number = value.get(name) if isinstance(value, dict) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise UserError(f"{path}: {name} of {owner} is a whole number, got {short(number)}")
    return number
