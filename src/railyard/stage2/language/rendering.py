"""Objects as the one line of JSON that the model learns to write, and the order they are written in.

Callers order the objects (`canonical`) and render them; the text goes to the tokenizer. It is put together from pieces
between coordinate tokens, so positions in it are known without a scan.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from railyard.stage2.scenes.coordinates import TOKENS
from railyard.stage2.scenes.records import SceneObject

EMPTY = "{}"
BETWEEN = '", "'  # two coordinates of a box
TAIL = '"]}}'


@dataclass(frozen=True)
class Description:
    """The text from an object's `desc` to its first coordinate.

    `value`: the bytes of the text's UTF-8 form that hold the description as it is written (without quotes).
    """

    text: str
    value: slice


def canonical(objects: Iterable[SceneObject]) -> list[SceneObject]:
    """The objects by (y1, x1): top to bottom, then left to right; objects with the same corner keep their order."""
    return sorted(objects, key=lambda each: (each.box[1], each.box[0]))


def key(number: int) -> str:
    """The text before `desc` of an object by its number (from 1), beginning at the end of the object before it."""
    return f'{"{" if number == 1 else TAIL[:-1] + ", "}"object_{number}": {{"'


def description(desc: str) -> Description:
    """The text from `desc` to the coordinates."""
    before, value = 'desc": ', json.dumps(desc, ensure_ascii=False)
    start = len(before) + 1
    return Description(f'{before}{value}, "bbox_2d": ["', slice(start, start + len(value.encode()) - 2))


def render(objects: Sequence[SceneObject]) -> str:
    """The objects as JSON, numbered from object_1 in the order given; `{}` if there are none."""
    texts = (
        key(number) + description(each.desc).text + BETWEEN.join(TOKENS[bin_] for bin_ in each.box)
        for number, each in enumerate(objects, start=1)
    )
    return "".join(texts) + TAIL if objects else EMPTY
