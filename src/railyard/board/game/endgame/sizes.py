"""The sets of endgame tables that can be built: what a larger set costs and adds.

Two endings are worth a table. Five walls leave eleven cells to build in and hold almost every board that has come
so far in good order; six walls leave ten, for the boards where one more large tile stands already. A table for the
exponent of the smallest wall makes its twin; the table for the largest goal also makes a new, smaller wall.
"""

from typing import Literal

from railyard.board.game.endgame.patterns import Pattern

Size = Literal["tiny", "small", "standard"]

FIVE, SIX = (0, 1, 2, 4, 5), (0, 1, 2, 4, 5, 6)
# the caps of the free cells from the upper right to the last, for the larger goals of each ending
FIVE_CAPS = {
    7: (5, 6, 6, 5, 6, 6, 5, 4, 4, 4, 4),
    8: (5, 7, 6, 6, 6, 6, 6, 4, 5, 5, 5),
}
SIX_CAPS = {
    7: (6, 5, 6, 5, 4, 4, 4, 4, 4, 4),
    8: (5, 6, 7, 6, 5, 5, 5, 5, 5, 5),
    9: (6, 6, 8, 7, 6, 6, 5, 5, 6, 5),
}
LARGEST = {"tiny": (4, 4), "small": (6, 6), "standard": (8, 9)}  # goals with five and with six walls
LEAST = 4


def five_walls(goal: int) -> Pattern:
    """The smallest wall stands in cell 2 or 5, and its twin beside both, in cell 6."""
    caps = FIVE_CAPS.get(goal, (goal - 1,) * 7 + (goal - 2,) * 4)
    chains = ((6, 7), (6, 10)) if goal == 8 else ()
    return Pattern("table11", FIVE, (2, 5), goal, (6,), chains, _by_cell(FIVE, caps))


def six_walls(goal: int) -> Pattern:
    """The smallest wall stands in cell 6; its twin comes beside it, or under the walls in cell 8, where it is safe."""
    caps = SIX_CAPS.get(goal, (goal - 1,) * 10)
    chains = ((8, 9), (8, 12), (8, 9, 10), (8, 9, 10, 11)) if goal in SIX_CAPS else ()
    return Pattern("table10", SIX, (6,), goal, (7, 8, 10), chains, _by_cell(SIX, caps))


def _by_cell(walls: tuple[int, ...], caps: tuple[int, ...]) -> dict[int, int]:
    return dict(zip((cell for cell in range(16) if cell not in walls), caps, strict=True))


def patterns(size: Size) -> tuple[Pattern, ...]:
    """The tables of a set, in the order in which a teacher asks them."""
    five, six = LARGEST[size]
    return (
        *(five_walls(goal) for goal in range(five, LEAST - 1, -1)),
        *(six_walls(goal) for goal in range(six, LEAST - 1, -1)),
    )
