"""Labels of the move alone."""

from pathlib import Path

import numpy as np
import pytest

from railyard.board.packs.pack import Pack
from railyard.board.tokens import advantage
from railyard.board.tokens.played_move import PlayedMove, Tables

PACK = Pack.open(Path(__file__).parents[2] / "fixtures" / "board" / "03_pack")


@pytest.mark.parametrize(("move", "fault"), [(3, advantage.SOUND), (4, advantage.BAD_MOVE)])
def test_a_move_that_does_not_exist_is_refused(move, fault):
    rows = PACK.rows.gather(np.array([0]))
    rows["move_dir"] = move
    classes_4 = np.full(4, 9, np.uint8)
    assert Tables.encode_row(rows[0], PlayedMove().tables(()), classes_4) == fault
    assert classes_4.tolist() == [0, 0, 0, 0]
