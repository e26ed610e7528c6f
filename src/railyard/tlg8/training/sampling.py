"""Tuples that a block's best and second are compared with in training: drawn by hashes of (seed, position, place).

A position counts on over the epochs, so each epoch has other samples, and a resumed or repeated run has the same ones.
What was drawn is told by a manifest: strategy, universe, seed and number, and a digest of the first draws.

Shapes: B blocks, S samples each.
"""

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from railyard.core.config.component import Component

if TYPE_CHECKING:
    from railyard.core.arrays import I64, U64

DIGEST_POSITIONS = 1024  # whose draws the manifest's digest is made of


class Sampling(Component, abstract=True):
    """How negatives are drawn."""

    universe: ClassVar[str]

    count: int = Field(64, ge=1, le=4096, description="samples of a block in a step: more tell finer, and cost time")
    seed: int = Field(0, ge=0, lt=2**64, description="all draws follow from it")

    def draw(self, positions_B: "I64", ranks_B2: "I64") -> "I64":
        """Tuple ids int64 [B, S]; `ranks` are the best and the second, which may be drawn too."""
        raise NotImplementedError

    def manifest(self, ranks_N2: "I64") -> dict[str, Any]:
        """What repeats the draws; of blocks whose best and second are `ranks` [N, 2] in the order of positions."""
        import numpy as np

        first = ranks_N2[:DIGEST_POSITIONS]
        drawn = self.draw(np.arange(len(first)), first).astype("<i8").tobytes()
        return {
            "strategy": type(self).__name__.lower(),
            "universe": self.universe,
            "seed": self.seed,
            "samples_a_block": self.count,
            "first_blocks": len(first),
            "sha256_of_first_draws": hashlib.sha256(drawn).hexdigest(),
        }

    def _hashes(self, positions_B: "I64") -> "U64":
        """One step of splitmix64 of (seed, position, place), uint64 [B, S]."""
        import numpy as np

        from railyard.core.store.order import mix

        places = np.arange(self.count, dtype=np.uint64)
        z: U64 = np.add.outer(positions_B.astype(np.uint64) * np.uint64(4096), places)
        z = (z + np.uint64(mix(self.seed))) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


class Uniform(Sampling):
    """Any tuple, each as likely as any other."""

    universe: ClassVar[str] = "all 12,288 tuples"

    def draw(self, positions_B: "I64", ranks_B2: "I64") -> "I64":
        import numpy as np

        from railyard.tlg8.codec.tuples import TUPLES

        return (self._hashes(positions_B) % np.uint64(TUPLES)).astype(np.int64)


class Near(Sampling):
    """Tuples that differ from the best or the second, in turn, in one field of four: what is hard to tell apart."""

    universe: ClassVar[str] = (
        "the tuples that differ from best or second in one of predictor, filter, scan, interleaving"
    )

    def draw(self, positions_B: "I64", ranks_B2: "I64") -> "I64":
        import numpy as np

        from railyard.tlg8.codec.tuples import SHAPE, fields_of

        hashes_BS = self._hashes(positions_B)
        turns = np.arange(self.count) % 2
        fields = fields_of(ranks_B2[:, turns].ravel()).astype(np.int64)  # [4, B * S]
        changed = (hashes_BS % np.uint64(4)).astype(np.int64).ravel()
        steps = (hashes_BS >> np.uint64(2)).ravel()
        for field, size in enumerate(SHAPE):
            moved = (fields[field] + 1 + (steps % np.uint64(size - 1)).astype(np.int64)) % size
            fields[field] = np.where(changed == field, moved, fields[field])
        found: I64 = np.ravel_multi_index(tuple(fields), SHAPE).reshape(hashes_BS.shape).astype(np.int64)
        return found
