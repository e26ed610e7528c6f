"""Mixes opened: each pack once, its own split, blame at the mix."""

from pathlib import Path

import pytest

from railyard.board.packs.pack import Pack
from railyard.board.training.config import PackData
from railyard.board.training.rejection.config import Rejection
from railyard.board.training.rejection.mixes import open_mixes
from railyard.board.training.split import Split
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[3] / "fixtures" / "board"
PACK, LEFT = FIXTURES / "03_pack", FIXTURES / "17_pack_left"


def opened(*mixes, **keys):
    rejection = Rejection.model_validate({"phases": [{"mix": list(mixes)}], **keys})
    data = PackData(pack=PACK, rejection=rejection, validation_fraction=0.2, order_seed=3)
    pack = Pack.open(PACK)
    return open_mixes(data, pack, Split.of(pack.runs.steps, 0.2, 0)), pack


def whole(name, folder):
    return {"id": name, "dataset": folder, "filter": {"name": "all"}, "weight": 1}


def test_a_pack_is_opened_once_whatever_it_is_called(tmp_path):
    (tmp_path / "link").symlink_to(PACK)
    found, primary = opened(
        whole("a", tmp_path / "link"), whole("b", LEFT), whole("c", FIXTURES / ".." / "board" / "03_pack")
    )
    assert [one.pack is primary for one in found.mixes] == [True, False, True]
    assert found.names == ("a", "b", "c")
    assert found.epoch_rows == 494 == len(found.mixes[0].rows)


def test_the_seed_is_that_of_the_order_unless_it_is_given():
    assert (opened(whole("a", PACK))[0].seed, opened(whole("a", PACK), seed=7)[0].seed) == (3, 7)


def test_a_mistake_is_blamed_on_its_mix(tmp_path):
    with pytest.raises(UserError, match=r"^data\.rejection: mix b: no pack at"):
        opened(whole("a", PACK), whole("b", tmp_path / "none"))
