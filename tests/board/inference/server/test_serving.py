"""`railyard serve` itself: started as it is, asked by clients of this and of another process, ended by a signal."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import grpc
import numpy as np
import pytest
from certificates import Authority

from railyard.board.inference import packing
from railyard.board.inference.inference_pb2 import InferRequest, InferResponse
from railyard.board.inference.packing import INFER, Request
from railyard.board.model.answers import Wanted
from railyard.board.model.inference import AnsweringModel, facts_of
from railyard.board.model.init_folder import read_init

TESTS = Path(__file__).parents[3]
BOARD = TESTS / "fixtures" / "board"
INIT = BOARD / "08_encoder_binned_gqa"
WIRE = json.loads((BOARD / "12_wire.json").read_text())
EVERYTHING = Wanted(True, True, True, True)
PATIENCE = 60  # seconds, for a machine that is busy


@pytest.fixture
def serving(railyard, work):
    """`serving(client, *words)`: a server in this thread, `client(folder)` in another, then a SIGTERM.

    Gives how the server ended and what the client gave.
    """
    ended = threading.Event()

    def ask(client):
        try:
            return client(folder_of(work, ended))
        finally:
            if not ended.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    def run(client, *words, init=INIT):
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(ask, client)
            done = railyard("serve", f"init={init}", "json=true", *words)
            ended.set()
            return done, asked.result(PATIENCE)

    return run


def folder_of(work, ended):
    """The run folder of the server that answers now."""
    for _ in range(PATIENCE * 100):
        for log in work.glob("outputs/serve/board/*/log.txt"):
            if "SERVING" in log.read_text():
                return log.parent
        if ended.wait(0.01):
            break
    raise AssertionError("the server did not begin")


def address_of(folder):
    return (folder / "address.txt").read_text().strip()


def asked_of(channel, request, **how):
    infer = channel.unary_unary(INFER, InferRequest.SerializeToString, InferResponse.FromString)
    return packing.read_response(infer(packing.pack_request(request), timeout=PATIENCE, **how), request)


def boards(count):
    return np.random.default_rng(0).integers(0, 17, (count, 16)).astype(np.uint8)


def test_an_answer_is_that_of_the_model_in_process_to_the_bit(serving):
    request = Request(boards(64), None, EVERYTHING, provenance=True)

    def client(folder):
        address = address_of(folder)
        assert stat.S_IMODE(Path(address.removeprefix("unix:")).stat().st_mode) == 0o600
        with grpc.insecure_channel(address) as channel:
            return folder, address, asked_of(channel, request)

    done, (folder, address, response) = serving(client, "buckets=[64]")
    model, _ = read_init(INIT)
    facts = facts_of(model, INIT)
    assert response.facts == facts
    expected = AnsweringModel(model, "cpu").answer(request.boards_B16, 64, EVERYTHING)
    for found, part in zip(response.answers, expected, strict=True):
        np.testing.assert_array_equal(found, part)
    assert done.code == 0, done.err
    assert done.json["requests"] == 1
    assert (done.json["boards"], done.json["address"]) == (64, address)
    assert done.err.index("address: ") < done.err.index("SERVING")
    assert not Path(address.removeprefix("unix:")).exists()
    assert json.loads((folder / "provenance.json").read_text())["model_hash"] == facts.model_hash
    assert json.loads((folder / "state.json").read_text())["state"] == "finished"


def foreign(address, folder, requests):
    """The responses that a client of the first version's messages gets, by name."""
    folder.mkdir()
    for name, data in requests.items():
        (folder / f"{name}.request").write_bytes(data)
    words = [sys.executable, str(TESTS / "helpers" / "foreign_client.py"), address, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return {name: InferResponse.FromString((folder / f"{name}.response").read_bytes()) for name in requests}


def near(found, expected):
    """The same message, but for the last digits of its numbers."""
    assert found.embed_dim == expected.embed_dim
    for name in ("embeddings_concat",):
        one, other = (np.frombuffer(getattr(each, name), "<f4") for each in (found, expected))
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_allclose(found.argmax_p1, expected.argmax_p1, atol=1e-6)
    one, other = ([list(head.probs) for each in part.outputs for head in each.heads] for part in (found, expected))
    np.testing.assert_allclose(one, other, atol=1e-6)
    for message in (found, expected):
        for name in ("embeddings_concat", "argmax_p1"):
            message.ClearField(name)
        for output in message.outputs:
            for head in output.heads:
                del head.probs[:]
    assert found == expected


@pytest.mark.parametrize("way", ["unix", "path", "tcp"])
def test_a_client_of_the_first_version_gets_all_it_could_get(serving, tmp_path, way):
    names = ("full", "argmax_only", "return_embedding", "argmax_only+return_embedding")
    requests = {name: bytes.fromhex(WIRE[name]["request_hex"]) for name in names}
    requests["empty"] = InferRequest(batch_id=7, return_embedding=True).SerializeToString()
    words = {"unix": f"uds=unix:{tmp_path}/s", "path": f"uds={tmp_path}/s", "tcp": "tcp=127.0.0.1:0"}

    def client(folder):
        assert address_of(folder) == f"unix:{tmp_path}/s" or way == "tcp"
        return foreign(address_of(folder), tmp_path / "foreign", requests)

    done, responses = serving(client, words[way])
    assert done.code == 0, done.err
    empty = responses.pop("empty")
    assert empty.model_metadata.policy.bin_count == 11
    assert (empty.batch_id, len(empty.outputs), len(empty.item_ids)) == (7, 0, 0)
    for name, response in responses.items():
        near(response, InferResponse.FromString(bytes.fromhex(WIRE[name]["response_hex_latency0"])))


def test_a_client_of_the_first_version_gets_an_action_policy_s_moves(serving, tmp_path):
    init = BOARD / "08_encoder_action_policy"
    requests = {name: bytes.fromhex(WIRE[name]["request_hex"]) for name in ("full", "argmax_only")}

    def client(folder):
        return foreign(address_of(folder), tmp_path / "foreign", requests)

    done, responses = serving(client, init=init)
    assert done.code == 0, done.err
    asked = packing.read_request(InferRequest.FromString(requests["full"]), facts_of(read_init(init)[0], init), 10)
    expected = AnsweringModel(read_init(init)[0], "cpu").answer(asked.boards_B16, 16, Wanted())
    full, best = responses["full"], responses["argmax_only"]
    found = [[list(head.probs) for head in output.heads] for output in full.outputs]
    np.testing.assert_allclose(found, expected.probabilities_B4N, atol=1e-6)
    assert np.shape(found)[2] == 1
    assert (full.model_metadata.policy.head_type, full.model_metadata.policy.bin_count) == ("action_policy", 0)
    np.testing.assert_array_equal(best.argmax_heads, expected.best_B)
    np.testing.assert_allclose(best.argmax_p1, expected.mass_B, atol=1e-6)


def test_a_server_with_tls_and_a_token_answers_who_has_both_and_shows_neither(serving, tmp_path):
    authority, secret = Authority(tmp_path), "very-secret-word"
    cert, key = authority.sign("server")
    (tmp_path / "token").write_text(secret)

    def client(folder):
        credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
        with grpc.secure_channel(address_of(folder), credentials) as channel:
            request = Request(boards(1), None, Wanted())
            with pytest.raises(grpc.RpcError) as refused:
                asked_of(channel, request)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
            asked_of(channel, request, metadata=(("authorization", f"Bearer {secret}"),))
        (line,) = [line for line in (folder / "log.txt").read_text().splitlines() if "metrics: " in line]
        with urlopen(line.partition("metrics: ")[2]) as answer:
            return folder, answer.read().decode() + Path("/proc/self/cmdline").read_text()

    words = (f"tls_cert={cert}", f"tls_key={key}", f"token_file={tmp_path}/token", "tcp=127.0.0.1:0")
    done, (folder, shown) = serving(client, *words, "metrics=127.0.0.1:0")
    assert done.code == 0, done.err
    assert 'outcome="UNAUTHENTICATED"' in shown
    written = "".join(file.read_text() for file in folder.rglob("*") if file.is_file())
    assert secret not in shown + written + done.err + done.out
    assert not address_of(folder).endswith(":0")


def test_what_is_in_the_way_is_one_sentence(railyard, tmp_path):
    (tmp_path / "rubbish").write_text("rubbish")
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket(socket.AF_UNIX) as living:
        living.bind(f"{tmp_path}/living")
        living.listen()
        port = taken.getsockname()[1]
        pair = (f"tls_cert={tmp_path}/rubbish", f"tls_key={tmp_path}/rubbish")
        for words, says in (
            ((f"tcp=127.0.0.1:{port}",), f"cannot listen at 127.0.0.1:{port}: address already in use"),
            ((f"metrics=127.0.0.1:{port}",), f"metrics=127.0.0.1:{port}: address already in use"),
            ((f"uds={tmp_path}/living",), f"a server listens at {tmp_path}/living already"),
            ((f"uds={'/x' * 60}",), "a Unix socket's has at most 107"),
            (("tcp=127.0.0.1:0", *pair), "are no certificate with its key (PEM)"),
            ((f"token_file={tmp_path}/none",), "token_file="),
            (("device=cuda:99",), "there is no CUDA device here"),
        ):
            done = railyard("serve", f"init={INIT}", *words)
            assert (done.code, says in done.err) == (2, True), done.err
            assert "Traceback" not in done.err


def start(folder, *words):
    """A server in a process of its own, once it answers."""
    command = [sys.executable, "-m", "railyard.cli", "serve", f"init={INIT}", f"uds={folder}/s", *words]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "SERVING" in line:
            return process
    raise AssertionError(f"it ended with {process.wait()}")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0_and_a_second_one_at_once(tmp_path, number):
    process = start(tmp_path)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0, process.stderr.read()
    process.stderr.close()
    process = start(tmp_path)
    with grpc.insecure_channel(f"unix:{tmp_path}/s") as channel:
        stream = channel.stream_stream(packing.INFER_STREAM)(iter(threading.Event().wait, True))  # sends nothing
        process.send_signal(number)
        for line in process.stderr:
            if "takes no request any more" in line:
                break
        process.send_signal(number)
        code = process.wait(PATIENCE)
        stream.cancel()
    said = process.stderr.read()
    process.stderr.close()
    assert code == 130 or (code == 0 and "again" not in said), said
    assert not (tmp_path / "s").exists()
