"""The token goes with each request, and bad files are one sentence."""

import asyncio

import numpy as np
import pytest
from certificates import Authority
from fake_inference import FACTS, FakeServer

from railyard.board.inference.client.config import Client, ClientTls
from railyard.board.inference.client.servers import ServerClient
from railyard.board.inference.server.credentials import tls_credentials
from railyard.board.model.answers import Wanted
from railyard.core.errors import UserError


def test_the_token_goes_with_requests_and_streams(tmp_path):
    (tmp_path / "token").write_text("secret\n")
    seen = []

    async def note(context, message):
        seen.append(dict(context.invocation_metadata()).get("authorization"))

    async def test():
        address = f"unix:{tmp_path}/a"
        async with (
            FakeServer(address, handle=note),
            ServerClient([address], Client(token_file=tmp_path / "token")) as client,
        ):
            await client.ask(np.zeros((2, 16), np.uint8), Wanted())
            assert [True async for _ in client.stream([np.zeros((2, 16), np.uint8)], Wanted())] == [True]

    asyncio.run(test())
    assert set(seen) == {"Bearer secret"}
    assert len(seen) == 3


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


async def described(server, credentials, **tls):
    """What the client is told by a server with these credentials."""
    await server.start(credentials)
    try:
        async with ServerClient([server.address], Client(tls=ClientTls(**tls), deadline_s=20)) as client:
            return await client.facts()
    finally:
        await server.stop()


@pytest.mark.parametrize("mutual", [False, True])
def test_tls_and_an_own_certificate(authority, tmp_path, mutual):
    cert, key = authority.sign("server")
    own = dict(zip(("cert", "key"), authority.sign("client"), strict=True)) if mutual else {}
    credentials = tls_credentials(cert, key, authority.file if mutual else None)
    server = FakeServer("localhost:0")
    assert asyncio.run(described(server, credentials, ca=authority.file, **own)) == FACTS


def test_without_the_certificates_nobody_answers(authority, tmp_path):
    cert, key = authority.sign("server")
    credentials = tls_credentials(cert, key, authority.file)
    for tls in ({}, {"ca": authority.file}, {"ca": Authority(tmp_path).file}):
        with pytest.raises(UserError, match="nobody answers on localhost"):
            asyncio.run(described(FakeServer("localhost:0"), credentials, **tls))


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"token_file": "empty"}, "empty has to hold a token, one word of ASCII characters"),
        ({"token_file": "nowhere"}, "client.token_file=nowhere cannot be read: No such file or directory"),
        ({"tls": ClientTls(ca="nowhere")}, "client.tls.ca=nowhere cannot be read"),
        ({"tls": ClientTls(ca="empty", cert="empty", key="empty")}, "client.tls.key=empty holds nothing in PEM form"),
    ],
)
def test_bad_files(tmp_path, monkeypatch, knobs, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("two words")

    async def test():
        with pytest.raises(UserError, match=sentence):
            ServerClient(["unix:a"], Client(**knobs))

    asyncio.run(test())
