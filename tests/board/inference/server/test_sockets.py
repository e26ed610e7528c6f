"""Where a server listens: the rules of a Unix socket's path, and what is in the way of an address."""

import os
import socket
import stat

import pytest

from railyard.board.inference.server.sockets import LONGEST_PATH, bind, socket_path
from railyard.core.errors import UserError


def listening(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(path))
    listener.listen()
    return listener


@pytest.mark.parametrize("given", [None, "given.sock", "unix:given.sock"])
def test_a_socket_lies_in_the_run_folder_or_where_it_was_asked_for(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    with socket_path(given, tmp_path) as path:
        assert path == tmp_path / ("given.sock" if given else "serve.sock")
        path.touch()
    assert not path.exists()


def test_a_socket_that_nobody_listens_at_is_replaced(tmp_path):
    path = tmp_path / "s"
    listening(path).close()
    with socket_path(str(path), tmp_path):
        assert not path.exists()


def test_a_living_socket_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with listening(path), pytest.raises(UserError, match=r"a server listens at .*/s already: stop it"):
        socket_path(str(path), tmp_path).__enter__()
    assert path.exists()


def test_something_else_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "s").write_text("kept")
    with pytest.raises(UserError, match="is there and no socket"):
        socket_path(str(tmp_path / "s"), tmp_path).__enter__()
    assert (tmp_path / "s").read_text() == "kept"


def test_a_socket_needs_a_folder(tmp_path):
    with pytest.raises(UserError, match=f"there is no folder {tmp_path}/none; make it first"):
        socket_path(str(tmp_path / "none" / "s"), tmp_path).__enter__()


@pytest.mark.parametrize("over", [0, 1])
def test_a_path_that_no_socket_can_have_moves_to_a_folder_of_this_user_alone(tmp_path, over):
    room = LONGEST_PATH + over - len(os.fsencode(tmp_path)) - len("//serve.sock")
    folder = tmp_path / ("x" * room)
    folder.mkdir()
    with socket_path(None, folder) as path:
        assert len(os.fsencode(path)) <= LONGEST_PATH
        assert (path.parent == folder) == (not over)
        listening(path).close()
        if over:
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.exists() == (not over)


def test_a_long_path_that_was_asked_for_is_refused(tmp_path):
    long = tmp_path / ("x" * LONGEST_PATH)
    with pytest.raises(UserError, match="a Unix socket's has at most 107: give a shorter one"):
        socket_path(str(long), tmp_path).__enter__()


def test_a_socket_is_made_for_its_owner_alone(tmp_path):
    path, before = tmp_path / "s", os.umask(0)
    try:

        def add_port(address):
            listening(path).close()
            return 1

        assert bind(f"unix:{path}", add_port) == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)


def refuse(address):
    raise RuntimeError("gRPC says nothing of use")


def never(address):
    raise AssertionError("gRPC is not asked for what is taken")


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UserError, match=f"cannot listen at {address}: address already in use; give another"):
            bind(address, never)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("no-such-host.invalid:1", "cannot listen at no-such-host.invalid:1: "),
        ("unix:/none/s", r"its folder may not be written \(/none\)"),
        ("127.0.0.1:0", "gRPC gives no reason"),
        ("127.0.0.1:99999", "cannot listen at 127.0.0.1:99999: "),
    ],
)
def test_other_reasons_are_told(address, says):
    with pytest.raises(UserError, match=says):
        bind(address, refuse)


def test_the_port_that_was_taken_is_told():
    assert bind("127.0.0.1:0", lambda address: 4711) == "127.0.0.1:4711"
