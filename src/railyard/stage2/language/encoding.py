"""Rendered objects as ids, with the tokens of every description and coordinate.

Coordinate tokens cut a text before anything else is done to it, so the text between two of them is encoded by itself.
It is encoded in two parts, up to the number and from the description on, and both are kept: scenes share numbers and
descriptions, and the whole text would be encoded anew for each sample.
Legend: N objects, T tokens, 4 = x1, y1, x2, y2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from railyard.core.arrays import I64
from railyard.core.errors import UserError
from railyard.stage2.language.rendering import BETWEEN, EMPTY, TAIL, description, key
from railyard.stage2.language.vocabulary import Vocabulary, overlapping
from railyard.stage2.scenes.records import SceneObject

_MARK = re.compile(rb"<\|.+\|>")  # turns, images, coordinates: not to be had in a description
KEPT = 1 << 15  # descriptions


@dataclass(frozen=True)
class EncodedObjects:
    """`render(objects)` as ids.

    `descs_N2`: first and last + 1 of the tokens that have a byte of a description's value (without quotes) in them.
    `slots_N4`: the tokens of the coordinates. The last token is the one that holds the outermost `}`.
    """

    ids_T: I64
    descs_N2: I64
    slots_N4: I64


class ObjectEncoder:
    """Encodes objects with one vocabulary; reuse it, since it caches the texts between coordinates.

    Raises UserError for a description that the tokenizer would change (one that normalises, given another form), and
    for a tokenizer whose tokens cross the place between the two parts.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._coord_ids = vocabulary.coord_ids_1000.tolist()
        self._between, self._tail, self._empty = (self._encode(text) for text in (BETWEEN, TAIL, EMPTY))
        self._keys: dict[int, list[int]] = {}
        self._description = lru_cache(KEPT)(self._encode_description)
        self._strides_4 = np.arange(4) * (1 + len(self._between))

    def __call__(self, objects: Sequence[SceneObject]) -> EncodedObjects:
        """The ids of `render(objects)`, in the order given."""
        ids: list[int] = []
        descs: list[tuple[int, int]] = []
        first_slots: list[int] = []
        for number, each in enumerate(objects, start=1):
            ids += self._keys.get(number) or self._new_key(number, each.desc)
            text_ids, start, end = self._description(each.desc)
            descs.append((len(ids) + start, len(ids) + end))
            ids += text_ids
            first_slots.append(len(ids))
            x1, y1, x2, y2 = (self._coord_ids[bin_] for bin_ in each.box)
            ids += (x1, *self._between, y1, *self._between, x2, *self._between, y2)
        ids += self._tail if objects else self._empty
        return EncodedObjects(
            np.array(ids, np.int64),
            np.array(descs, np.int64).reshape(-1, 2),
            np.array(first_slots, np.int64)[:, None] + self._strides_4,
        )

    def _encode_description(self, desc: str) -> tuple[list[int], int, int]:
        piece = description(desc)
        ids = self._encode(piece.text)
        if marks := [self._vocabulary.pieces[i].decode() for i in ids if _MARK.fullmatch(self._vocabulary.pieces[i])]:
            raise UserError(f"the description {desc!r} holds {marks[0]}, which is a token of the model's: reword it")
        _, places = self._vocabulary.join(ids)
        tokens = overlapping(places, piece.value.start, piece.value.stop)
        return ids, tokens.start, tokens.stop

    def _new_key(self, number: int, desc: str) -> list[int]:
        """A tokenizer that cuts words by a regular expression always cuts between `{"` and `desc`, or never, whatever
        the description: one is enough to check.
        """
        ids = self._encode(key(number))
        if ids + self._description(desc)[0] != self._vocabulary.encode(key(number) + description(desc).text):
            raise UserError(
                'the tokenizer joins punctuation and letters, as in {"desc: '
                "take one that cuts between them, as those of the Qwen family do"
            )
        self._keys[number] = ids
        return ids

    def _encode(self, text: str) -> list[int]:
        ids = self._vocabulary.encode(text)
        joined, _ = self._vocabulary.join(ids)
        if joined != text.encode():
            raise UserError(
                f"the tokenizer turns {text!r} into {joined.decode(errors='replace')!r}: "
                "write the description as the tokenizer does"
            )
        return ids
