"""Addresses as people write them."""

import pytest

from railyard.board.inference.client.addresses import target_of
from railyard.core.errors import UserError


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("unix:/run/x.sock", "unix:/run/x.sock"),
        ("/run/x.sock", "unix:/run/x.sock"),
        ("run/x.sock", "unix:run/x.sock"),
        ("127.0.0.1:50051", "127.0.0.1:50051"),
        ("http://127.0.0.1:50051", "127.0.0.1:50051"),
        ("[::1]:50051", "[::1]:50051"),
    ],
)
def test_forms(address, target):
    assert target_of(address) == target


@pytest.mark.parametrize("address", ["", "localhost", ":50051", "localhost:", "localhost:70000", "localhost:http"])
def test_what_is_no_address(address):
    with pytest.raises(UserError, match=r"is no address: give HOST:PORT, or the path of a Unix socket, as \./NAME"):
        target_of(address)


def test_a_path_is_as_long_as_a_socket_allows():
    assert target_of("/" + "x" * 106)
    with pytest.raises(UserError, match=r"has a path of 108 bytes, a Unix socket's has at most 107: address.txt"):
        target_of("unix:/" + "x" * 107)
