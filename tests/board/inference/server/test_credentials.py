"""TLS with certificates made on the spot, and tokens."""

import asyncio

import grpc
import pytest
from certificates import Authority
from fake_inference import FACTS
from served import Held

from railyard.board.inference.inference_pb2 import InferRequest
from railyard.board.inference.packing import INFER
from railyard.board.inference.server.batcher import Limits
from railyard.board.inference.server.credentials import brings, tls_credentials
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.server import Given, Server
from railyard.core.errors import UserError
from railyard.core.serving import Token

REQUEST = InferRequest(boards=bytes(16)).SerializeToString()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


async def answers(credentials, channel_credentials):
    """Whether a server with these answers a client with those."""
    server = Server("127.0.0.1:0", credentials)
    running = await server.start(Given(Held(), FACTS, Limits((16,), 16, 0.0, 100), Figures((16,))))
    secure = channel_credentials is not None
    try:
        made = grpc.aio.secure_channel(server.address, channel_credentials) if secure else None
        async with made or grpc.aio.insecure_channel(server.address) as channel:
            return bool(await channel.unary_unary(INFER)(REQUEST, timeout=30))
    except grpc.aio.AioRpcError:
        return False
    finally:
        await server.drain(30)
        await running


@pytest.mark.parametrize("wants_client", [False, True])
@pytest.mark.parametrize("client", ["plain", "stranger", "tls", "mtls"])
def test_who_is_answered(authority, tmp_path, wants_client, client):
    server = tls_credentials(*authority.sign("server"), authority.file if wants_client else None)
    cert, key = (file.read_bytes() for file in authority.sign("client"))
    channel = {
        "plain": None,
        "stranger": grpc.ssl_channel_credentials(Authority(tmp_path).file.read_bytes()),
        "tls": grpc.ssl_channel_credentials(authority.file.read_bytes()),
        "mtls": grpc.ssl_channel_credentials(authority.file.read_bytes(), key, cert),
    }[client]
    allowed = {"mtls"} if wants_client else {"tls", "mtls"}
    assert asyncio.run(answers(server, channel)) == (client in allowed)


def test_files_that_are_no_certificates_are_refused(authority, tmp_path):
    cert, key = authority.sign("server")
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\xff rubbish")
    for files in ((rubbish, key), (cert, rubbish), (cert, authority.sign("other")[1])):
        with pytest.raises(UserError, match="are no certificate with its key"):
            tls_credentials(*files, None)
    with pytest.raises(UserError, match=r"tls_client_ca=.*rubbish holds no certificate"):
        tls_credentials(cert, key, rubbish)


def test_files_that_cannot_be_read_are_named(authority, tmp_path):
    cert, key = authority.sign("server")
    with pytest.raises(UserError, match=r"tls_cert=.*none cannot be read: No such file"):
        tls_credentials(tmp_path / "none", key, None)
    with pytest.raises(UserError, match=r"tls_client_ca=.*none cannot be read: No such file"):
        tls_credentials(cert, key, tmp_path / "none")


def test_a_request_brings_the_token_once_in_its_metadata():
    token = Token(b"secret")
    assert brings(token, [("other", "x"), ("authorization", "Bearer secret")])
    for metadata in ([], [("authorization", "secret")], [("authorization", "Bearer secre\u00e9")]):
        assert not brings(token, metadata)
    assert not brings(token, [("authorization", "Bearer secret")] * 2)
