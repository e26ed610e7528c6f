"""A tokenizer's ids as plain values: the bytes of each, the coordinate of each, and the id that ends a turn.

Made from a tokenizer (`tokenizer.py`) and used by everything that reads model output or labels a target. Positions in a
text are counted in bytes of its UTF-8 form: a byte-level token may end inside a character, but every mark of JSON is
one byte that occurs in no other character.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from railyard.core.arrays import I16, I64, Bool

IM_END = "<|im_end|>"

Ids = Sequence[int] | I64


@dataclass(frozen=True)
class Vocabulary:
    """V ids as plain values.

    `pieces`: the bytes of each id. `coord_ids_1000`: the id of each coordinate bin. `im_end`: the only id that ends a
    turn. `encode`: text to ids, nothing added, coordinate tokens always whole.
    """

    pieces: tuple[bytes, ...] = field(repr=False)
    coord_ids_1000: I64 = field(repr=False)
    im_end: int
    encode: Callable[[str], list[int]] = field(repr=False)

    @cached_property
    def bins_V(self) -> I16:
        """The coordinate bin of each id, -1 for all others."""
        bins_V = np.full(len(self.pieces), -1, np.int16)
        bins_V[self.coord_ids_1000] = np.arange(len(self.coord_ids_1000))
        return bins_V

    @cached_property
    def lengths_V(self) -> I64:
        """Bytes of each id."""
        return np.fromiter(map(len, self.pieces), np.int64, len(self.pieces))

    def bins(self, ids: Ids) -> I16:
        """The coordinate bin of each of T ids, -1 for all others, unknown ones too."""
        ids_T = np.asarray(ids, np.int64)
        known_T = self._known(ids_T)
        return np.where(known_T, self.bins_V[ids_T * known_T], np.int16(-1))

    def join(self, ids: Ids) -> tuple[bytes, I64]:
        """The bytes of T ids, and where each id's own begin, with the end as the last one [T + 1].

        An unknown id has none: a model may have more rows than its tokenizer has entries, and sample one of them.
        """
        ids_T = np.asarray(ids, np.int64)
        known_T = self._known(ids_T)
        places = np.zeros(len(ids_T) + 1, np.int64)
        np.cumsum(self.lengths_V[ids_T * known_T] * known_T, out=places[1:])
        return b"".join(map(self.pieces.__getitem__, ids_T[known_T].tolist())), places

    def _known(self, ids_T: I64) -> Bool:
        return (ids_T >= 0) & (ids_T < len(self.pieces))


def overlapping(places: I64, start: int, end: int) -> slice:
    """Tokens (places as `Vocabulary.join` gives them) that have a byte of [start, end) in them."""
    if end <= start:
        return slice(0, 0)
    first = int(np.searchsorted(places, start, side="right")) - 1
    return slice(first, int(np.searchsorted(places, end, side="left")))
