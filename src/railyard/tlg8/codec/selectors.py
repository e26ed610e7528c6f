"""How the tuple of each block is chosen: gated as the reference encoder does it, exhaustive, or staged.

Contexts of blocks in, `Found` out. `entropy` restricts the code of a block: `auto` tries both with every
tuple, `after` chooses between them once the tuples are found under Plain, `plain` and `runlength` fix it.
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from railyard.core.config.component import Component

if TYPE_CHECKING:
    from railyard.core.arrays import U8
    from railyard.tlg8.codec.found import Found

ENTROPIES = {"auto": (0, 1), "plain": (0,), "runlength": (1,), "after": (0,)}


class Selector(Component, abstract=True):
    """Chooses a tuple for each block."""

    entropy: Literal["auto", "plain", "runlength", "after"] = Field(
        "auto", description="entropy codes to choose from; `after` decides once the tuple is found, for half the time"
    )

    def find(self, contexts_N: "U8", sizes_N2: "U8", components: int) -> "Found":
        """Best and second of blocks of 3 or 4 planes: contexts uint8 [N, 4, 9, 10], widths and heights uint8 [N, 2]."""
        import numpy as np

        from railyard.tlg8.codec.found import choose_entropy

        # read-only or strided arrays would be compiled for anew
        contexts_N, sizes_N2 = (np.require(array, np.uint8, ["C", "W"]) for array in (contexts_N, sizes_N2))
        found = self._search(contexts_N, sizes_N2, components)
        return choose_entropy(found, contexts_N, sizes_N2, components) if self.entropy == "after" else found

    def _search(self, contexts_N: "U8", sizes_N2: "U8", components: int) -> "Found":
        raise NotImplementedError


class PairSelector(Selector, abstract=True):
    """Codes every tuple of the pairs that it considers."""

    gated: ClassVar[bool]
    scans: Literal["all", "hilbert"] = Field("all", description="hilbert: scan 0 alone, 1/8 of the tuples")

    def _search(self, contexts_N: "U8", sizes_N2: "U8", components: int) -> "Found":
        import numpy as np

        from railyard.tlg8.codec.found import Found
        from railyard.tlg8.codec.pair_search import search_pairs

        keys, evaluations = np.empty((len(contexts_N), 2), np.int64), np.empty(len(contexts_N), np.int64)
        entropies, scans = np.array(ENTROPIES[self.entropy]), 8 if self.scans == "all" else 1
        search_pairs(contexts_N, sizes_N2, components, self.gated, entropies, scans, keys, evaluations)
        return Found.from_keys(keys, evaluations)


class Gated(PairSelector):
    """Codes the pairs that pass the reference encoder's energy gates: its choice, to the bit."""

    gated: ClassVar[bool] = True


class Exhaustive(PairSelector):
    """Codes all 12,288 tuples: the least bits there are."""

    gated: ClassVar[bool] = False


class Staged(Selector):
    """Codes a fixed number of tuples: n predictors at scan 0 first, then the best m pairs in full."""

    n: int = Field(2, ge=1, le=8, description="predictors of least energy, with all 96 filters, in stage 1")
    m: int = Field(4, ge=1, le=96, description="best pairs of stage 1 whose tuples are all evaluated")
    interleaved: bool = Field(False, description="stage 1 tries both interleavings: twice the evaluations there")

    @property
    def evaluations(self) -> int:
        """Tuples evaluated for a block."""
        probes = 2 if self.interleaved else 1
        return (self.n * 96 * probes + self.m * (16 - probes)) * len(ENTROPIES[self.entropy])

    def _search(self, contexts_N: "U8", sizes_N2: "U8", components: int) -> "Found":
        import numpy as np

        from railyard.tlg8.codec.found import Found
        from railyard.tlg8.codec.staged_search import search_stages

        keys, entropies = np.empty((len(contexts_N), 2), np.int64), np.array(ENTROPIES[self.entropy])
        search_stages(contexts_N, sizes_N2, components, self.n, self.m, self.interleaved, entropies, keys)
        return Found.from_keys(keys, np.full(len(keys), self.evaluations))
