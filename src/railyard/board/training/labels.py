"""What the classes of a batch's rows are: said by a tokenizer file, or nothing where the move alone is learnt.

`training/collate.py` writes them row by row through `write_classes`, which compiles to the rule that belongs to the
type of the tables.
"""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from railyard.board.tokens import advantage
from railyard.board.tokens.load import load_tokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.core.compiled import njit
from railyard.core.errors import UserError

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba import extending

_overload: Any = extending.overload


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
    if path is None:
        return MoveLabels()
    tokenizer = load_tokenizer(path)
    if isinstance(tokenizer, PercentileTokenizer):
        raise UserError(
            f"{path} is a tokenizer of version 1, which gave poor models and is only read: fit one of version 2 with "
            "`railyard tokenizer pack=… out=…`"
        )
    return tokenizer


@njit()
def _no_classes(row: Any, tables: MoveTables, out_4: NDArray[np.uint8]) -> int:
    out_4[:] = 0
    return advantage.SOUND if row.move_dir < tables.moves else advantage.BAD_MOVE


RULES = {advantage.Tables: advantage.encode_row, MoveTables: _no_classes}


def write_classes(row: Any, tables: Any, out_4: NDArray[np.uint8]) -> int:
    """Writes the classes UDLR of a STEP row, or says what is wrong with the row; for compiled callers only."""
    raise NotImplementedError


@_overload(write_classes, inline="always")
def _write_classes(row: Any, tables: Any, out_4: Any) -> Any:
    rule: Any = RULES[tables.instance_class]

    def write(row: Any, tables: Any, out_4: Any) -> Any:
        return rule(row, tables, out_4)

    return write
