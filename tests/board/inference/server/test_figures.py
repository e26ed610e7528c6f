"""What is counted, as Prometheus reads it."""

import socket
from urllib.request import urlopen

import pytest

from railyard.board.inference.server.figures import Figures
from railyard.core.errors import UserError


def test_what_is_counted_can_be_read():
    figures = Figures((16, 64))
    figures.read(lambda: 3, lambda: 2, lambda: 1)
    figures.waited(0.002)
    figures.passed(40, 64, 0.01)
    figures.ended("Infer", "OK", 40)
    figures.ended("InferStream", "RESOURCE_EXHAUSTED")
    address, stop = figures.expose("127.0.0.1:0")
    try:
        with urlopen(f"http://{address}/metrics") as answer:
            lines = answer.read().decode().splitlines()
    finally:
        stop()
    for line in (
        'railyard_requests_total{method="Infer",outcome="OK"} 1.0',
        'railyard_requests_total{method="InferStream",outcome="RESOURCE_EXHAUSTED"} 1.0',
        "railyard_boards_total 40.0",
        "railyard_passes_total 1.0",
        "railyard_queue_seconds_sum 0.002",
        "railyard_compute_seconds_sum 0.01",
        'railyard_pass_boards_bucket{le="16.0"} 0.0',
        'railyard_pass_boards_bucket{le="64.0"} 1.0',
        "railyard_pending_boards 3.0",
        "railyard_queued_boards 2.0",
        "railyard_expired_requests 1.0",
    ):
        assert line in lines
    assert not any(line.startswith("python_") for line in lines)
    assert (figures.requests, figures.boards, figures.passes) == (2, 40, 1)


def test_two_servers_of_one_process_count_apart():
    one, other = Figures((16,)), Figures((16,))
    one.passed(1, 16, 0.1)
    assert other.registry.get_sample_value("railyard_passes_total") == 0


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"metrics=127.0.0.1:{port}: address already in use; give another port"):
            Figures((16,)).expose(f"127.0.0.1:{port}")
