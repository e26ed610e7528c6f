"""Targets: the text that the model is to write, as ids with the class of each token, for channels A and B.

Takes true objects and, for channel B, their matching with a rollout's predictions; token weights are made from the
classes (`weights.py`), and geometry losses read at the slots.
Legend: N objects, M matched pairs, T tokens, 4 = x1, y1, x2, y2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from railyard.core.arrays import F32, I64, U8
from railyard.stage2.language.encoding import ObjectEncoder
from railyard.stage2.language.rendering import canonical
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.matching.assignment import Matching
from railyard.stage2.objective.stop import merged, stop_positions
from railyard.stage2.rollout.parsing import Prediction
from railyard.stage2.scenes.coordinates import BINS
from railyard.stage2.scenes.records import SceneObject


class TokenClass(IntEnum):
    """What a token is for the cross entropy. Of a token that is several things, the last of these counts."""

    STRUCTURE = 0
    DESC = 1
    COORD = 2
    STOP = 3


@dataclass(frozen=True)
class Target:
    """The rendered objects and the turn end as ids.

    `owners_T`: whose description a DESC token is, -1 elsewhere. `slots_N4`: the tokens of each object's coordinates.
    The first `matched` objects are those of matched pairs. `merged`: the outermost `}` shares its token.
    """

    objects: tuple[SceneObject, ...]
    matched: int
    ids_T: I64 = field(repr=False)
    classes_T: U8 = field(repr=False)
    owners_T: I64 = field(repr=False)
    slots_N4: I64 = field(repr=False)
    merged: bool


@dataclass(frozen=True)
class Geometry:
    """Where boxes are read (tokens of the sequence that the model sees) and what they should be, in bins."""

    slots_N4: I64
    boxes_N4: I64

    @property
    def units_N4(self) -> F32:
        """The boxes in units of the image, as the losses take them: bin / 999."""
        return (self.boxes_N4 / (BINS - 1)).astype(np.float32)


class TargetBuilder:
    """Builds targets with one vocabulary; reuse it, since its encoder caches descriptions."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._encode = ObjectEncoder(vocabulary)

    def canonical(self, objects: Sequence[SceneObject]) -> Target:
        """Channel A: all true objects in canonical order."""
        return self._target(canonical(objects), 0)

    def reordered(self, objects: Sequence[SceneObject], matching: Matching) -> Target:
        """Channel B: the matched true objects in the order of their predictions, then the missed in canonical order.

        `matching` holds indices of `objects`. Without a pair this is channel A's target.
        """
        matched = [objects[true] for _, true in matching.pairs]
        return self._target([*matched, *canonical(objects[true] for true in matching.missed)], len(matched))

    def _target(self, objects: Sequence[SceneObject], matched: int) -> Target:
        encoded = self._encode(objects)
        ids_T = np.append(encoded.ids_T, self._vocabulary.im_end)
        stop = stop_positions(ids_T, self._vocabulary)
        owners_T = _owners(encoded.descs_N2, len(ids_T))
        classes_T = np.where(owners_T >= 0, TokenClass.DESC, TokenClass.STRUCTURE).astype(np.uint8)
        classes_T[self._vocabulary.bins_V[ids_T] >= 0] = TokenClass.COORD
        classes_T[stop] = TokenClass.STOP
        return Target(
            tuple(objects),
            matched,
            ids_T,
            classes_T,
            np.where(classes_T == TokenClass.DESC, owners_T, -1),
            encoded.slots_N4,
            merged(stop, ids_T, self._vocabulary),
        )


def all_geometry(target: Target) -> Geometry:
    """Channel A: every object, at its slots in the target."""
    return Geometry(target.slots_N4, _boxes(target.objects))


def matched_geometry(predictions: Sequence[Prediction], objects: Sequence[SceneObject], matching: Matching) -> Geometry:
    """Channel B: the true box of each pair, at the prediction's slots in the rollout's scaffold."""
    slots = [predictions[predicted].slots for predicted, _ in matching.pairs]
    return Geometry(np.array(slots, np.int64).reshape(-1, 4), _boxes([objects[true] for _, true in matching.pairs]))


def _boxes(objects: Sequence[SceneObject]) -> I64:
    return np.array([each.box for each in objects], np.int64).reshape(-1, 4)


def _owners(spans_N2: I64, length: int) -> I64:
    """The span that each of `length` tokens lies in, -1 outside all; spans ascend."""
    counts_N = spans_N2[:, 1] - spans_N2[:, 0]
    before_N = np.cumsum(counts_N) - counts_N
    tokens = np.arange(counts_N.sum()) + np.repeat(spans_N2[:, 0] - before_N, counts_N)
    owners_T = np.full(length, -1)
    owners_T[tokens] = np.repeat(np.arange(len(spans_N2)), counts_N)
    return owners_T
