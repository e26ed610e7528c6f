"""Labels of value heads: what `training/outcomes.py` says of the games of a pack, row by row in compiled code.

Facts are resolved once into arrays of as many entries as the pack has games.

Shapes: n rows of a batch of B, R runs of all packs, V value heads in the order of their names in the config.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from railyard.board.game.games import END_REASONS
from railyard.board.packs.metadata import read_ends
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE
from railyard.board.training.outcomes import NO_LABEL, Games, Outcome
from railyard.core.arrays import I64, U8
from railyard.core.compiled import njit

DIED = END_REASONS[1]


class ValueLabels(NamedTuple):
    """The labels of all heads, as in `RunLabels`, beside the runs they are of."""

    starts_R1: I64  # first rows of the runs, and the number of all rows
    turn_RV: I64
    before_RV: U8
    after_RV: U8
    below_V: I64


def games_of(pack: Pack) -> Games:
    """Packs, and single games in them, that do not say why a game ended were played to the end."""
    ends = read_ends(pack.path / METADATA_FILE)
    died_R = np.array([ends.get(number, DIED) == DIED for number in pack.runs.id.tolist()], np.bool_)
    return Games(pack.runs.steps, pack.runs.highest_tile, died_R)


def value_labels(packs: Sequence[Pack], outcomes: Mapping[str, Outcome]) -> ValueLabels:
    """The labels of the rows of `packs`, numbered on from each to the next; without heads nothing of them is read."""
    found = [_labels_of(pack, outcomes) for pack in packs]
    firsts = np.cumsum([0, *map(len, packs)], dtype=np.int64)
    starts = [first + one.starts_R1[:-1] for first, one in zip(firsts, found, strict=False)]
    return ValueLabels(
        np.concatenate([*starts, firsts[-1:]]),
        np.concatenate([one.turn_RV for one in found]),
        np.concatenate([one.before_RV for one in found]),
        np.concatenate([one.after_RV for one in found]),
        found[0].below_V,
    )


def _labels_of(pack: Pack, outcomes: Mapping[str, Outcome]) -> ValueLabels:
    runs, heads = len(pack.runs), len(outcomes)
    turn_RV, below_V = np.empty((runs, heads), np.int64), np.empty(heads, np.int64)
    before_RV, after_RV = np.empty((runs, heads), np.uint8), np.empty((runs, heads), np.uint8)
    games = games_of(pack) if outcomes else None
    for place, outcome in enumerate(outcomes.values()):
        assert games is not None
        turn_RV[:, place], before_RV[:, place], after_RV[:, place], below_V[place] = outcome.labels(games)
    return ValueLabels(pack.runs.starts, turn_RV, before_RV, after_RV, below_V)


@njit()
def fill_values(rows_n: I64, first: int, cells_B16: U8, labels: ValueLabels, out_BV: U8) -> None:
    """The labels of the places of a batch from `first` on, of their rows' numbers in the packs and their exponents."""
    for i in range(rows_n.size):
        row, position = rows_n[i], first + i
        highest = cells_B16[position].max()
        run = np.searchsorted(labels.starts_R1, row, side="right") - 1
        place = row - labels.starts_R1[run]
        for head in range(out_BV.shape[1]):
            if highest >= labels.below_V[head]:
                out_BV[position, head] = NO_LABEL
            elif place < labels.turn_RV[run, head]:
                out_BV[position, head] = labels.before_RV[run, head]
            else:
                out_BV[position, head] = labels.after_RV[run, head]
