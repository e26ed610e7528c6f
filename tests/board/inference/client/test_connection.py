"""The token goes with each request, and bad files are one sentence."""

import asyncio

import numpy as np
import pytest
from fake_inference import FakeServer

from railyard.board.inference.client.config import Client, ClientTls
from railyard.board.inference.client.servers import ServerClient
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
