import fcntl
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.core.making import parts
from railyard.core.making.outputs import finished_before, work_place, write_manifest
from railyard.core.making.parts import Part, join_parts, part_folder
from railyard.core.store.lock import Busy

ORIGIN, WHAT = {"kind": "letters"}, "these letters"


@given(items=st.integers(0, 500), count=st.integers(1, 40))
def test_parts_in_turn_are_the_whole_and_differ_by_one_at_most(items, count):
    shares = [Part(index, count).of(items) for index in range(count)]
    assert [item for share in shares for item in share] == list(range(items))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3/2", "expected one of 0/2 to 1/2, got 3/2"),
        ("2/2", "expected one of 0/2 to 1/2, got 2/2"),
        ("0/0", "expected one of 0/1, got 0/0"),
        ("1", "expected i/n as in part=0/2"),
        ("-1/2", "expected i/n"),
    ],
)
def test_what_is_no_part_is_explained(text, message):
    with pytest.raises(ValueError, match=message):
        Part.parse(text)


def test_a_part_is_written_as_it_is_read():
    assert str(Part.parse("1/3")) == "1/3"


def do(out, part, text):
    with part_folder(out, ORIGIN, part) as own:
        (own / "a").write_text(text)


def join(folder, folders):
    (folder / "all").write_text("".join((own / "a").read_text() for own in folders))
    write_manifest(folder, ORIGIN)
    return folder


def test_the_last_part_joins_them_in_order_and_tidies_up(tmp_path):
    out = tmp_path / "out"
    for index, missing in ((2, ["0/3", "1/3"]), (0, ["1/3"]), (1, [])):
        do(out, Part(index, 3), "abc"[index])
        assert join_parts(out, ORIGIN, WHAT, 9, 3, join) == missing
    assert (out / "all").read_text() == "abc"
    assert list(tmp_path.iterdir()) == [out]


def test_parts_without_items_are_not_waited_for(tmp_path):
    do(tmp_path / "out", Part(1, 2), "b")
    assert join_parts(tmp_path / "out", ORIGIN, WHAT, 1, 2, join) == []
    assert (tmp_path / "out" / "all").read_text() == "b"


def test_a_part_that_comes_after_the_join_finds_it_done(tmp_path):
    out = tmp_path / "out"
    do(out, Part(0, 1), "a")
    join_parts(out, ORIGIN, WHAT, 1, 1, join)
    do(out, Part(0, 1), "x")
    assert join_parts(out, ORIGIN, WHAT, 1, 1, None) == []
    assert finished_before(out, ORIGIN, WHAT)
    assert list(tmp_path.iterdir()) == [out]


def test_a_part_that_was_stopped_is_not_complete(tmp_path, caplog):
    def stopped():
        with part_folder(tmp_path / "out", ORIGIN, Part(0, 1)) as own:
            (own / "a").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert "part-0of1 keeps what is done" in caplog.text
    assert join_parts(tmp_path / "out", ORIGIN, WHAT, 1, 1, join) == ["0/1"]


def test_a_damaged_part_is_neither_joined_nor_taken_for_complete(tmp_path):
    out = tmp_path / "out"
    do(out, Part(0, 2), "a")
    own = work_place(out, ORIGIN) / "part-0of2"
    (own / "a").write_text("b")
    do(out, Part(1, 2), "b")
    for call in (lambda: join_parts(out, ORIGIN, WHAT, 2, 2, join), lambda: do(out, Part(0, 2), "a")):
        with pytest.raises(UserError, match=r"part-0of2/a differs from manifest\.json"):
            call()


def test_two_calls_for_one_part_are_told_apart_and_a_join_waits_for_the_other(tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(parts, "JOIN_SECONDS", 0.0)
    do(out, Part(0, 1), "a")
    folder = work_place(out, ORIGIN)
    for place, call in (
        (folder / "part-0of1", lambda: do(out, Part(0, 1), "a")),
        (folder, lambda: join_parts(out, ORIGIN, WHAT, 1, 1, join)),
    ):
        with holding(place), pytest.raises(Busy, match="is being written by another process"):
            call()


@contextmanager
def holding(folder):
    """The lock as another process has it."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
