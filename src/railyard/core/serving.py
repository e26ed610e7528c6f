"""What servers share: the address they tell, the token that callers bring, what is not collected, and how a signal
ends them.

A server drains on the first SIGTERM or SIGINT and ends at once on a second one.
"""

import asyncio
import gc
import hmac
import ipaddress
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from railyard.core.errors import EXIT_INTERRUPT, UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_bytes

log = logging.getLogger(__name__)

ADDRESS_FILE = "address.txt"  # of the run folder
LONGEST_TOKEN = 4096  # bytes
SCHEME = "Bearer "
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def announce(folder: Path, address: str) -> None:
    """Keeps an address in the run folder and tells it on standard error."""
    durable.write_text(folder / ADDRESS_FILE, f"{address}\n")
    sys.stderr.write(f"address: {address}\n")


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an IP address with or without brackets, can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def uncollected() -> Iterator[None]:
    """What is there now is left alone by the collector of circles, which would look through all of it now and then and
    keep every caller waiting meanwhile. Where something is left alone already, it stays with that."""
    if gc.get_freeze_count():
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Token:
    """The token of a server. Its text appears in no message."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def read(cls, file: Path) -> "Token":
        """That of a file with one word; UserError for others."""
        try:
            words = read_bytes(file, LONGEST_TOKEN).split()
        except OSError as fault:
            raise UserError(f"token_file={file} cannot be read: {fault.strerror}") from None
        if len(words) != 1 or not words[0].isascii():
            raise UserError(f"token_file={file} has to hold a token, one word of ASCII characters")
        return cls(words[0])

    def is_word(self, given: bytes) -> bool:
        """Whether a word is the token; takes the same time for every wrong one."""
        return hmac.compare_digest(given, self._secret)

    def is_header(self, given: bytes) -> bool:
        """Whether the value of a header `authorization` brings it; takes the same time for every wrong one."""
        return hmac.compare_digest(given, SCHEME.encode() + self._secret)


@contextmanager
def asked_to_stop(leave: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Set by the first signal; a second one ends the process at once, after `leave`."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def note(number: signal.Signals) -> None:
        if stop.is_set():
            sys.stderr.write(f"{number.name} again: ends at once\n")
            leave()
            os._exit(EXIT_INTERRUPT)  # a pass may run for long, and no thread can be stopped
        log.info("%s: takes no request any more, answers those it has; again ends at once", number.name)
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, note, number)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
