import pytest

from railyard.core.errors import RailyardError, UserError
from railyard.core.making.pieces import Made, Pieces


@pytest.fixture
def pieces(tmp_path):
    return Pieces(tmp_path / "pieces")


def test_a_piece_is_there_once_it_was_put_down(pieces):
    assert not pieces.has(3)
    pieces.put(3, b"three")
    pieces.put("table")
    assert Pieces(pieces.folder).get(3) == b"three"
    assert pieces.get("table") == b""


def flipped(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [flipped, cut, emptied])
def test_a_damaged_piece_is_told_and_made_again(pieces, harm):
    pieces.put(0, b"data")
    harm(pieces.folder / "0000000")
    with pytest.raises(RailyardError, match="0000000 or a file of it was damaged: run the command again"):
        pieces.get(0)
    assert not pieces.has(0)


@pytest.mark.parametrize("harm", [flipped, cut, lambda path: path.unlink()])
def test_so_is_one_of_whose_files_one_is_damaged(pieces, tmp_path, harm):
    files = [tmp_path / name for name in "ab"]
    for file in files:
        file.write_bytes(file.name.encode())
    pieces.put(0, b"data", files)
    assert pieces.get(0, files) == b"data"
    harm(files[1])
    with pytest.raises(RailyardError, match="damaged"):
        pieces.get(0, files)
    assert not pieces.has(0)


def spelled(number):
    if number == 7:
        raise UserError("seven")
    return Made(str(number).encode())


def test_what_is_missing_is_made_and_the_rest_counted_as_done_before(pieces):
    told = []
    pieces.put(1, b"one")
    pieces.make({0: 5, 1: 6, 2: 8}, lambda item: 10 * item, spelled, 1, lambda *each: told.append(each))
    assert told == [(110, 190, 60), (190, 190, 60)]
    assert [pieces.get(key) for key in range(3)] == [b"5", b"one", b"8"]


def test_a_users_mistake_ends_it_and_what_was_made_before_stays(pieces):
    with pytest.raises(UserError, match="seven"):
        pieces.make({0: 5, 1: 7, 2: 8}, lambda item: 1, spelled, 1, None)
    assert pieces.get(0) == b"5"
    assert not pieces.has(1)
