"""Labels without a tokenizer: no classes, the move played is learnt as it is."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from railyard.board.tokens import advantage
from railyard.board.tokens.tokenizer import Labels
from railyard.core.arrays import U8
from railyard.core.compiled import njit


class Tables(NamedTuple):
    """Compiled code takes no empty tuple."""

    moves: int = 4

    @staticmethod
    @njit()
    def encode_row(row: Any, tables: "Tables", out_4: U8) -> int:
        """Writes zeros, or returns a fault for a move that does not exist."""
        out_4[:] = 0
        return advantage.SOUND if row.move_dir < tables.moves else advantage.BAD_MOVE


class PlayedMove(Labels):
    """Heads have one logit each, or are one head of four."""

    kind: ClassVar = "played_move"
    num_classes = 1

    def tables(self, valuation_names: Sequence[str]) -> Tables:
        return Tables()

    def to_json(self) -> None:
        return None

    def fingerprint(self) -> None:
        return None
