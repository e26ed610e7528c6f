"""Scenes as JSON lines, one image a line: what generators and converters write and everything else reads.

    {"images": ["images/0.png"], "objects": [{"desc": "cat", "bbox_2d": ["<|coord_110|>", …]}], "width": …, "height": …}

Boxes leave this file as bins 0..999, whatever space the record was written in. Reading streams: memory is that of one
line.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from railyard.core.errors import BadRecord, UserError, nearest, short
from railyard.core.store.reading import MOST_JSON_VALUES, bounded_lines, open_regular
from railyard.stage2.scenes import image_names
from railyard.stage2.scenes.config import Space
from railyard.stage2.scenes.coordinates import TOKENS, Box
from railyard.stage2.scenes.geometry import Size, geometry_of

RECORDS = "scenes.jsonl"  # of a data set, beside its images
SCENE_KEYS = ("images", "objects", "width", "height", "summary", "metadata")
OBJECT_KEYS = ("desc", "bbox_2d", "poly")
DECLARED = "coordinate_space"  # of metadata: what the plain numbers of this record are
LONGEST_LINE = 16 * 2**20  # bytes
MOST_PIXELS = 1_000_000  # of a side: a slip is seen, and no arithmetic runs over
SPACES = ("pixels", "norm1000", "tokens")
REJECTED = {
    "line": "draw it as poly, or give its bounding box as bbox_2d",
    "bbox": "write bbox_2d with [x1, y1, x2, y2] (a COCO bbox is [x, y, width, height])",
    "polygon": "write poly with a flat list x, y, x, y, …",
}


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A described box in bins; `poly` (flat, in bins) where the record gave a polygon, of which `box` is the bounds."""

    desc: str
    box: Box
    poly: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One image, by its path relative to the file's folder, with its size as fed and what is in it."""

    image: str
    width: int
    height: int
    objects: tuple[SceneObject, ...]
    summary: str | None = None
    metadata: Mapping[str, Any] | None = None


def read(path: Path | str, space: Space = "auto", polygons: bool = False, images: bool = True) -> Iterator[Scene]:
    """The scenes of a file, in order, one at a time.

    `space`: what plain numbers are; `auto` takes them for what the record's metadata declares, else for pixels.
    `polygons`: whether `poly` is taken too (training takes boxes alone). `images`: whether each image has to be there.
    Raises BadRecord for the first line that is not a good record, UserError for a file that is missing or empty.
    """
    path, number = Path(path), 0
    for number, line in lines(path):
        yield parse(line, path, number, space, polygons, images)
    if not number:
        raise UserError(f"{path} is empty: a file of scenes has one JSON object a line")


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines of a file with their numbers from 1. Raises UserError if there is no such file."""
    try:
        file = open_regular(path)
    except (FileNotFoundError, BadRecord) as error:
        raise UserError(f"{path} is not a file of scenes: name a .jsonl file") from error
    with file:
        yield from enumerate(bounded_lines(file, path, LONGEST_LINE), start=1)


def parse(
    line: bytes, path: Path, number: int, space: Space = "auto", polygons: bool = False, images: bool = True
) -> Scene:
    """The scene of line `number` of `path`, as `read` takes it; BadRecord if it is none."""
    try:
        scene = scene_of(decode(line), space, polygons)
    except ValueError as fault:
        raise BadRecord(path, str(fault), number) from fault
    if images and not image_names.is_there(path.parent / scene.image):
        raise BadRecord(path, f"the image {scene.image} is missing: it is looked for beside the file", number)
    return scene


def scene_of(value: Any, space: Space = "auto", polygons: bool = False) -> Scene:
    """The scene that a record's plain value describes; ValueError, one sentence, if it describes none."""
    if not isinstance(value, dict):
        raise ValueError(f"a record is a JSON object with {', '.join(SCENE_KEYS[:4])}, got {short(value)}")
    _refuse_unknown(value, SCENE_KEYS, "a record", "what else is known of an image goes into metadata")
    size = _side(value, "width"), _side(value, "height")
    metadata, summary = value.get("metadata"), value.get("summary")
    if not isinstance(metadata, dict | None):
        raise ValueError(f"metadata is an object, got {short(metadata)}")
    if not isinstance(summary, str | None):
        raise ValueError(f"summary is text, got {short(summary)}")
    objects = _objects(value, size, declared(metadata or {}, space), polygons)
    return Scene(_image(value), *size, objects, summary, metadata)


def declared(metadata: Mapping[str, Any], space: Space) -> Space:
    """What the plain numbers of a record are, by its metadata where `space` leaves it open; ValueError for no space."""
    found: Space = metadata.get(DECLARED, "auto") if space == "auto" else space
    if found not in ("auto", *SPACES):
        raise ValueError(f"metadata.{DECLARED} is one of {', '.join(SPACES)}, got {short(found)}")
    return found


def line_of(scene: Scene) -> bytes:
    """The record of a scene in token form, with its line end; a polygon is written as the polygon it is."""
    record: dict[str, Any] = {"images": [scene.image], "objects": [_record_of(each) for each in scene.objects]}
    record |= {"width": scene.width, "height": scene.height}
    if scene.summary is not None:
        record["summary"] = scene.summary
    if scene.metadata is not None:
        record["metadata"] = scene.metadata
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _record_of(each: SceneObject) -> dict[str, Any]:
    name, bins = ("bbox_2d", each.box) if each.poly is None else ("poly", each.poly)
    return {"desc": each.desc, name: [TOKENS[k] for k in bins]}


def decode(line: bytes) -> Any:
    """The plain value of a line; ValueError, one sentence, if it is not one JSON value with each key once."""
    if not line.strip():
        raise ValueError("the line is blank: a file of scenes has one JSON object a line")
    if sum(map(line.count, b",[{")) > MOST_JSON_VALUES:
        raise ValueError("the line holds more values than a record has")
    try:
        return json.loads(line.decode(), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except UnicodeDecodeError as fault:
        raise ValueError(f"byte {fault.start + 1} is not UTF-8: save the file as UTF-8") from fault
    except json.JSONDecodeError as fault:
        torn = "" if line.endswith(b"\n") else "; the file ends inside this line: was it copied whole?"
        raise ValueError(f"not JSON ({fault.msg} at column {fault.colno}){torn}") from fault
    except RecursionError as fault:
        raise ValueError("nested too deeply to be a record") from fault


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _refuse_unknown(value: Mapping[str, Any], known: tuple[str, ...], owner: str, advice: str) -> None:
    for key in value:
        if key in REJECTED:
            raise ValueError(f"{key!r} is not a key of {owner}: {REJECTED[key]}")
        if key not in known:
            raise ValueError(f"{key!r} is not a key of {owner}{nearest(key, known) or f'; {advice}'}")


def _side(value: Mapping[str, Any], name: str) -> int:
    side = value.get(name)
    if isinstance(side, bool) or not isinstance(side, int) or not 0 < side <= MOST_PIXELS:
        got = _given(value, name)
        raise ValueError(f"{name} is a whole number of pixels above 0 and at most {MOST_PIXELS:,}, got {got}")
    return side


def _image(value: Mapping[str, Any]) -> str:
    images = value.get("images")
    if not isinstance(images, list) or len(images) != 1 or not isinstance(images[0], str) or not images[0]:
        raise ValueError(f"images is a list of exactly one path, got {_given(value, 'images')}")
    return image_names.checked(_text(images[0], "images"))


def _objects(value: Mapping[str, Any], size: Size, space: Space, polygons: bool) -> tuple[SceneObject, ...]:
    objects = value.get("objects")
    if not isinstance(objects, list):
        raise ValueError(f"objects is a list, empty where nothing is to be seen, got {_given(value, 'objects')}")
    found = []
    for number, each in enumerate(objects, start=1):
        try:
            found.append(_object(each, size, space, polygons))
        except ValueError as fault:
            raise ValueError(f"object {number}: {fault}") from fault
    return tuple(found)


def _object(value: Any, size: Size, space: Space, polygons: bool) -> SceneObject:
    if not isinstance(value, dict):
        raise ValueError(f"an object is a JSON object with desc and bbox_2d, got {short(value)}")
    _refuse_unknown(value, OBJECT_KEYS, "an object", "an object has desc and bbox_2d")
    desc = value.get("desc")
    if not isinstance(desc, str) or not desc.strip():
        raise ValueError(f"desc is text that is not empty, got {_given(value, 'desc')}")
    if "poly" in value and "bbox_2d" not in value and not polygons:
        raise ValueError("poly is not trained on: `railyard convert` writes its bounding box as bbox_2d")
    return SceneObject(_text(desc, "desc"), *geometry_of(value, size, space))


def _text(text: str, name: str) -> str:
    """JSON can spell half a character, which no file and no model can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise ValueError(f"{name} has half of a character in it: {text!r}") from fault
    return text


def _given(value: Mapping[str, Any], name: str) -> str:
    return short(value[name]) if name in value else "none"
