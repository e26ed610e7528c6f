"""Addresses of servers as people write them, and as gRPC does."""

import os

from railyard.board.inference.client.config import Addresses
from railyard.core.errors import UserError

LONGEST_PATH = 107  # bytes that a Unix socket's path can have


def target_of(address: str) -> str:
    """What gRPC calls an address: `unix:PATH` or a path, `HOST:PORT` or http://HOST:PORT. UserError for others."""
    if address.startswith("unix:") or "/" in address.removeprefix("http://"):
        path = address.removeprefix("unix:")
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise UserError(
                f"address={address} has a path of {len(os.fsencode(path))} bytes, a Unix socket's has at most "
                f"{LONGEST_PATH}: address.txt of the server's run folder names the shorter one that it made"
            )
        return f"unix:{path}"
    host, colon, port = address.removeprefix("http://").rpartition(":")
    if not host or not colon or not port.isdecimal() or int(port) >= 2**16:
        raise UserError(f"address={address} is no address: give HOST:PORT, or the path of a Unix socket, as ./NAME")
    return f"{host}:{port}"


def listed(addresses: Addresses | None) -> list[str]:
    """The addresses of a knob, none where it was left out."""
    return [addresses] if isinstance(addresses, str) else addresses or []
