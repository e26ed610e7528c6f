"""Tokens, addresses, and what signals do to a server."""

import asyncio
import gc
import os
import signal

import pytest

from railyard.core import serving
from railyard.core.errors import EXIT_INTERRUPT, UserError
from railyard.core.serving import Token, announce, asked_to_stop, is_loopback, uncollected


def test_a_token_is_one_word_of_its_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("secret\n")
    token = Token.read(file)
    assert token.is_header(b"Bearer secret")
    assert token.is_word(b"secret")
    for given in (b"", b"secret", b"Bearer secre", "Bearer secre\u00e9".encode()):
        assert not token.is_header(given)
    assert not token.is_word(b"Bearer secret")


@pytest.mark.parametrize("content", ["", "two words", "\u00e9"])
def test_other_tokens_are_refused_without_being_shown(tmp_path, content):
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(UserError, match="has to hold a token, one word of ASCII") as refused:
        Token.read(file)
    assert not content or content not in str(refused.value)


def test_a_token_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"token_file=.*none cannot be read"):
        Token.read(tmp_path / "none")


@pytest.mark.parametrize(
    ("host", "is_so"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("[::]", False), ("10.0.0.1", False), ("example.org", False), ("", False)),
    ],
)
def test_what_can_be_reached_from_this_machine_alone(host, is_so):
    assert is_loopback(host) == is_so


def test_an_address_is_kept_and_told(tmp_path, capsys):
    announce(tmp_path, "http://127.0.0.1:8080")
    assert (tmp_path / "address.txt").read_text() == "http://127.0.0.1:8080\n"
    assert capsys.readouterr().err == "address: http://127.0.0.1:8080\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_to_stop_and_a_second_one_ends_at_once(monkeypatch, capsys, number):
    ended = []
    monkeypatch.setattr(serving.os, "_exit", ended.append)

    async def run():
        with asked_to_stop(lambda: ended.append("left")) as stop:
            os.kill(os.getpid(), number)
            await asyncio.wait_for(stop.wait(), 60)
            assert not ended
            os.kill(os.getpid(), number)
            while len(ended) < 2:
                await asyncio.sleep(0)

    asyncio.run(run())
    assert ended == ["left", EXIT_INTERRUPT]
    assert f"{signal.Signals(number).name} again: ends at once" in capsys.readouterr().err


@pytest.fixture
def unfrozen():
    """Without what the tests themselves leave to the end."""
    gc.unfreeze()
    yield
    gc.freeze()


def test_the_collector_leaves_alone_what_was_there(unfrozen):
    with uncollected():
        before = gc.get_freeze_count()
        assert before > 1000
        with uncollected():
            assert gc.get_freeze_count() == before
        assert gc.get_freeze_count() == before
    assert gc.get_freeze_count() == 0
