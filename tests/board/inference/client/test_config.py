"""Rules between the knobs of a client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import railyard as package
from railyard.board.inference.client import config
from railyard.board.inference.client.config import Client, ClientTls

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}


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


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    assert config.missing_extra() == []
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    assert config.missing_extra()[0].message.endswith("pip install 'railyard[serve]'")


@pytest.mark.parametrize("verb", ["play", "load"])
def test_the_verbs_say_so(railyard, monkeypatch, verb):
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    done = railyard(verb, "address=unix:a")
    assert (done.code, done.out) == (2, "")
    assert "address: asking a server needs grpcio and protobuf: pip install 'railyard[serve]'" in done.err


@pytest.mark.slow
def test_a_model_of_this_process_needs_no_grpc():
    """Playing it imports nothing of gRPC."""
    code = (
        "import sys; sys.modules['grpc'] = None; "
        "import railyard.board.playing.asking, railyard.board.inference.client.local"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
