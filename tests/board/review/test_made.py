"""What is made once: kept, made again for other files, in the cache where a folder is read-only, in the background."""

import threading

import numpy as np
import pytest

from railyard.board.review import made
from railyard.board.review.made import Made
from railyard.board.review.problems import Preparing


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "session").mkdir()
    (tmp_path / "source").write_text("a")
    return tmp_path


def making(calls):
    def make(place, tick):
        calls.append(place.name)
        np.save(place / "x.npy", np.arange(3))
        tick(3, 3)

    return make


def test_it_is_made_once_and_kept_beside_the_session(folder):
    calls = []
    for _ in range(2):
        one = Made(folder / "session", [folder / "source"])
        assert one.folder("thing", making(calls)) == folder / "session" / "review" / "thing"
    assert len(calls) == 1
    assert (folder / "session" / "review" / "thing" / "x.npy").is_file()


def test_it_is_made_again_of_other_files(folder):
    calls = []
    Made(folder / "session", [folder / "source"]).folder("thing", making(calls))
    (folder / "source").write_text("other")
    Made(folder / "session", [folder / "source"]).folder("thing", making(calls))
    assert len(calls) == 2


def test_where_the_session_may_not_be_written_it_lies_in_the_cache(folder, monkeypatch):
    monkeypatch.setattr(made, "may_write", lambda folder: False)
    calls = []
    for _ in range(2):
        place = Made(folder / "session", [folder / "source"]).folder("thing", making(calls))
        assert folder / "cache" in place.parents
    assert len(calls) == 1
    assert list((folder / "session").iterdir()) == []


def test_a_caller_does_not_wait_for_long_and_is_told_how_far_it_is(folder):
    go, begun = threading.Event(), threading.Event()

    def make(place, tick):
        tick(1, 4)
        begun.set()
        assert go.wait(60)

    one = Made(folder / "session", [folder / "source"], wait=0.0)
    with pytest.raises(Preparing, match=r"thing of session is being prepared"):
        one.folder("thing", make)
    assert begun.wait(60)
    assert one.progress() == {"thing": 0.25}
    with pytest.raises(Preparing, match=r"25% is done: ask again"):
        one.folder("thing", make)
    go.set()
    one._wait = 60
    assert one.folder("thing", make).is_dir()
    assert one.progress() == {}


def test_what_needs_another_thing_makes_it_itself(folder):
    one = Made(folder / "session", [folder / "source"], wait=60)

    def outer(place, tick):
        assert one.folder("inner", making([])).is_dir()

    assert one.folder("outer", outer).is_dir()


def test_a_failure_is_told_and_tried_again(folder):
    one = Made(folder / "session", [folder / "source"], wait=60)

    def fail(place, tick):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        one.folder("thing", fail)
    assert one.folder("thing", making([])).is_dir()
