"""What value heads learn: facts of how a game went on, one class a kind, named under `model.value_heads`.

A fact of the games becomes labels of their rows in `training/value_labels.py`. Games that were played with a model
end for several reasons; `run_ends` of the pack's metadata.db says which.

Shapes: R runs (games) of a pack, in its order.
"""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field, field_validator

from railyard.core.config.component import Component

if TYPE_CHECKING:
    from railyard.core.arrays import I64, U8, Bool

NO_LABEL = 255
ANY_BOARD = 2**31  # above every exponent


class Games(NamedTuple):
    """What is known of the games of a pack."""

    steps_R: "I64"  # rows of each
    highest_tile_R: "I64"
    died_R: "Bool"  # whether it ended because no move was legal


class RunLabels(NamedTuple):
    """The labels of one head: 0, 1 or NO_LABEL, for the rows of a game before the place `turn_R` and from there on.

    A row's place is counted from its game's first row. Boards with an exponent of `below` or more have no label.
    """

    turn_R: "I64"
    before_R: "U8"
    after_R: "U8"
    below: int = ANY_BOARD

    def kinds(self, steps_R: "I64") -> set[int]:
        """Which labels there are at all in games of so many rows."""
        before_R, after_R = self.before_R[(self.turn_R > 0) & (steps_R > 0)], self.after_R[self.turn_R < steps_R]
        return {label for label in (0, 1) if (before_R == label).any() or (after_R == label).any()}


class Outcome(Component, abstract=True):
    """Something that happens in a game, or does not."""

    def labels(self, games: Games) -> RunLabels:
        """Whether it happens, for each row of each game."""
        raise NotImplementedError

    def sentence(self) -> str:
        """What a head says the probability of."""
        raise NotImplementedError


class DiesWithin(Outcome):
    """The game ends within so many moves, that of the row among them.

    The last rows of a game that was ended otherwise, as by max_moves, have no label.
    """

    moves: Annotated[int, Field(ge=1, lt=2**31)] = Field(description="moves that it has to survive")

    def labels(self, games: Games) -> RunLabels:
        import numpy as np

        late_R = np.where(games.died_R, np.uint8(1), np.uint8(NO_LABEL))
        return RunLabels(np.maximum(games.steps_R - self.moves, 0), np.zeros_like(late_R), late_R)

    def sentence(self) -> str:
        return f"the game ends within {self.moves:,} moves"


class Reaches(Outcome):
    """The game gets a tile of this size. Boards that hold one already have no label."""

    tile: Annotated[int, Field(ge=4, le=65536)] = Field(description="a power of two; a pack tells no larger ones apart")

    @field_validator("tile")
    @classmethod
    def _is_a_tile(cls, tile: int) -> int:
        if tile & (tile - 1):
            raise ValueError("a tile is a power of two, such as 2048 or 16384")
        return tile

    def labels(self, games: Games) -> RunLabels:
        import numpy as np

        reached_R = (games.highest_tile_R >= self.tile).astype(np.uint8)
        return RunLabels(np.zeros_like(games.steps_R), reached_R, reached_R, self.tile.bit_length() - 1)

    def sentence(self) -> str:
        return f"the game reaches {self.tile}"
