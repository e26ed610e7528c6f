"""What a mix selects of a pack."""

from pathlib import Path

from railyard.board.packs.pack import Pack
from railyard.board.training.rejection.config import NamedFilter, ResolvedMix
from railyard.board.training.rejection.selecting import select

FIXTURES = Path(__file__).parents[3] / "fixtures" / "board"


def test_passthrough_takes_all_rows_without_an_array():
    pack = Pack.open(FIXTURES / "03_pack")
    found = select(ResolvedMix("all", None, None, NamedFilter(name="passthrough"), 1.0, False), pack)
    assert found.rows == range(len(pack))
    assert (found.matched, found.coverage, found.session) == (len(pack), 1.0, None)
