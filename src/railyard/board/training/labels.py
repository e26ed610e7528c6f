"""What the classes of a batch's rows are: said by a tokenizer file, or nothing where the move alone is learnt.

`training/collate.py` writes them row by row through `write_classes`, which compiles to the rule that belongs to the
type of the tables.
"""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from railyard.board.model.config import Encoder
from railyard.board.tokens import advantage, ev_bins, json_fields, percentile_json
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.hard_move import HardMove
from railyard.board.training.objectives import BoardObjective, MacroxueTokens
from railyard.core.compiled import njit
from railyard.core.errors import UserError

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba import extending

_overload: Any = extending.overload

MAKERS = {
    MacroxueTokens: "railyard tokenizer pack=… out=…",
    BinnedEv: "railyard tokenizer kind=ev_bins pack=… out=…",
}


class Labels(Protocol):
    """A tokenizer, or what stands for one."""

    @property
    def num_classes(self) -> int:
        """Classes a head has."""

    def tables(self, valuation_names: tuple[str, ...]) -> Any:
        """What `write_classes` takes, by valuation id."""

    def to_json(self) -> dict[str, Any] | None:
        """What an init folder keeps as tokenizer.json."""

    def fingerprint(self) -> str | None: ...


class MoveTables(NamedTuple):
    """A move needs no table; numba wants a field."""

    moves: int = 4


class MoveLabels:
    """No classes: the move played is the label. Heads have one logit each, or are one head of four."""

    num_classes = 1

    def tables(self, valuation_names: tuple[str, ...]) -> MoveTables:
        return MoveTables()

    def to_json(self) -> None:
        return None

    def fingerprint(self) -> None:
        return None


def load_labels(path: Path | None) -> Labels:
    """The labels of a tokenizer file; the moves alone without one. UserError for a file that training cannot use."""
    return MoveLabels() if path is None else json_fields.read(path, labels_of)


def labels_of(document: Any) -> Labels:
    """The labels of a tokenizer file's JSON value; None stands for the moves alone. UserError begins with the key."""
    if document is None:
        return MoveLabels()
    if isinstance(document, dict) and document.get("tokenizer_type") == ev_bins.TOKENIZER_TYPE:
        return ev_bins.EvBinTokenizer.from_json(document)
    if isinstance(document, dict) and document.get("version") == percentile_json.VERSION:
        raise UserError(
            "version 1 gave poor models and is only read: fit a tokenizer of version 2 with "
            "`railyard tokenizer pack=… out=…`"
        )
    return MacroxueTokenizer.from_json(document)


def check_fit(objective: BoardObjective, labels: Labels) -> None:
    """UserError where an objective cannot learn from these labels."""
    wanted = {MacroxueTokens: MacroxueTokenizer, BinnedEv: ev_bins.EvBinTokenizer}
    for kind, needed in wanted.items():
        if isinstance(objective, kind) and not isinstance(labels, needed):
            raise UserError(
                f"data.tokenizer does not fit the objective {kind.__name__}: make one with `{MAKERS[kind]}`"
            )


def objective_for(config: Encoder, labels: Labels) -> BoardObjective:
    """The objective that a model was made for, as its head and its labels tell."""
    if config.head_type == "action_policy" or isinstance(labels, MoveLabels):
        return HardMove()
    return BinnedEv() if isinstance(labels, ev_bins.EvBinTokenizer) else MacroxueTokens()


@njit()
def _no_classes(row: Any, tables: MoveTables, out_4: NDArray[np.uint8]) -> int:
    out_4[:] = 0
    return advantage.SOUND if row.move_dir < tables.moves else advantage.BAD_MOVE


RULES = {
    advantage.Tables: advantage.encode_row,
    ev_bins.Tables: ev_bins.encode_row,
    MoveTables: _no_classes,
}


def write_classes(row: Any, tables: Any, out_4: NDArray[np.uint8]) -> int:
    """Writes the classes UDLR of a STEP row, or says what is wrong with the row; for compiled callers only."""
    raise NotImplementedError


@_overload(write_classes, inline="always")
def _write_classes(row: Any, tables: Any, out_4: Any) -> Any:
    rule: Any = RULES[tables.instance_class]

    def write(row: Any, tables: Any, out_4: Any) -> Any:
        return rule(row, tables, out_4)

    return write
