"""What `railyard serve` refuses before it starts, one sentence each."""

import shutil
from pathlib import Path

import pytest

from railyard.board.inference.server import config
from railyard.board.inference.server.config import is_loopback

INIT = Path(__file__).parents[3] / "fixtures" / "board" / "08_encoder_binned_gqa"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("uds=s", "tcp=127.0.0.1:1"), "uds: a server listens at one address: give uds= or tcp=, not both"),
        (("precision=fp8",), "precision: must be 'fp32' or 'bf16', got 'fp8'"),
        (("buckets=[8,16]",), "buckets.0: must be greater than or equal to 16, got 8"),
        (("buckets=[64,16]",), "buckets: have to ascend, got [64, 16]"),
        (("buckets=[16,16]",), "buckets: have to ascend"),
        (("buckets=[16]", "max_batch=17"), "max_batch: 17 boards do not fit the largest bucket of 16"),
        (("tcp=0.0.0.0:50051",), "tcp: 0.0.0.0:50051 can be reached from other machines: give tls_cert, tls_key and"),
        (("tcp=0.0.0.0:1", "tls_cert=c", "tls_key=k"), "tcp: 0.0.0.0:1 can be reached from other machines"),
        (("tcp=0.0.0.0:1", "token_file=t"), "tcp: 0.0.0.0:1 can be reached from other machines"),
        (("tcp=127.0.0.1:1", "tls_cert=c"), "tls_cert: goes with tls_key: give both or none"),
        (("tcp=127.0.0.1:1", "tls_client_ca=c"), "tls_client_ca: is of use with tls_cert and tls_key only"),
        (("tls_cert=c", "tls_key=k"), "tls_cert: belongs to tcp=HOST:PORT"),
        (("metrics=0.0.0.0:9090",), "metrics: 0.0.0.0:9090 can be reached from other machines"),
        (("tcp=127.0.0.1:65536",), "tcp: 127.0.0.1:65536 names no port"),
        (("tcp=nothing",), "tcp: "),
    ],
)
def test_what_does_not_go_together_is_refused(railyard, words, says):
    done = railyard("serve", f"init={INIT}", *words)
    assert (done.code, says in done.err) == (2, True), done.err


def test_an_init_folder_without_weights_is_refused(railyard, tmp_path):
    folder = tmp_path / "init"
    folder.mkdir()
    shutil.copy(INIT / "config.json", folder)
    done = railyard("serve", f"init={folder}")
    assert (done.code, "holds no weights: give the init folder of a trained model" in done.err) == (2, True)


def test_the_extra_is_named_where_it_is_not_installed(railyard, monkeypatch):
    monkeypatch.setattr(config, "find_spec", lambda name: None if name == "grpc_health" else True)
    done = railyard("serve", f"init={INIT}")
    assert (done.code, "pip install 'railyard[serve]'" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("address", "is_so"),
    [
        *(("127.0.0.1:1", True), ("127.8.8.8:1", True), ("[::1]:1", True), ("localhost:1", True)),
        *(("0.0.0.0:1", False), ("[::]:1", False), ("10.0.0.1:1", False), ("example.org:1", False)),
    ],
)
def test_what_can_be_reached_from_this_machine_alone(address, is_so):
    assert is_loopback(address) == is_so
