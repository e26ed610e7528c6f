"""Rules between the knobs of a client."""

import pytest
from pydantic import ValidationError

from railyard.board.inference.client.config import Client, ClientTls


def test_the_defaults_are_those_of_the_reference():
    knobs = Client()
    assert (knobs.target_batch, knobs.max_batch, knobs.inflight_batches) == (512, 1024, 2)
    assert (knobs.flush_us, knobs.queue_cap, knobs.metrics_interval_s) == (250, 65536, 5.0)


def test_a_batch_beyond_the_window_is_refused():
    assert Client(target_batch=64, inflight_batches=2, max_batch=32).window == 64
    with pytest.raises(ValidationError, match="target_batch=65 is more than inflight_batches x max_batch = 64"):
        Client(target_batch=65, inflight_batches=2, max_batch=32)


@pytest.mark.parametrize("given", [{"cert": "a"}, {"key": "a"}, {"cert": "a", "key": "b"}])
def test_certificates_belong_together(given):
    with pytest.raises(ValidationError, match="cert"):
        ClientTls(**given)
