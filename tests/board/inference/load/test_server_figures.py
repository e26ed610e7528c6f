"""What is read of a server's metrics."""

import socket

import pytest

from railyard.board.inference.load.server_figures import between, parsed, read
from railyard.core.errors import UserError

PAGE = """# HELP railyard_pass_boards Boards of a pass.
railyard_pass_boards_bucket{le="1.0"} 0.0
railyard_pass_boards_count %d
railyard_pass_boards_sum %d
railyard_queued_boards 12.0
"""


def test_the_time_between_two_readings():
    before, after = parsed(PAGE % (10, 100)), parsed(PAGE % (14, 180))
    assert between(before, after) == {"rows_of_a_pass": 20.0, "queued_boards": 12.0}
    assert between(after, after) == {"queued_boards": 12.0}


def test_of_another_server_nothing_is_known():
    assert between(parsed("other_total 4"), parsed("other_total 5")) == {}


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UserError, match=r"does not answer .* give what railyard serve was given"):
            read(address)
