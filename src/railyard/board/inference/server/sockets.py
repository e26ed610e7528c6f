"""Where a server listens: a Unix socket of its own, or a TCP address."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from railyard.core.errors import UserError

LONGEST_PATH = 107  # bytes that a Unix socket's path can have
NAME = "serve.sock"
PRIVATE = 0o177  # umask: read and write by the owner alone


@contextmanager
def socket_path(given: str | None, folder: Path) -> Iterator[Path]:
    """The path of the socket to make, which is removed in the end.

    Without one given it lies in the run folder, or where that path is too long in a folder of its own that only this
    user may enter. UserError where somebody listens there, or something else has the name.
    """
    path = Path(given.removeprefix("unix:")).absolute() if given else folder / NAME
    own = None
    if _is_too_long(path):
        if given:
            raise UserError(
                f"uds={given} is a path of {len(os.fsencode(path))} bytes, a Unix socket's has at most {LONGEST_PATH}: "
                "give a shorter one, or leave it out"
            )
        own = Path(tempfile.mkdtemp(prefix="railyard-"))  # made with mode 0700
        path = own / NAME
    _make_free(path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)


def _is_too_long(path: Path) -> bool:
    return len(os.fsencode(path)) > LONGEST_PATH


def _make_free(path: Path) -> None:
    """Removes a socket that nobody listens at."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise UserError(f"uds={path}: there is no folder {path.parent}; make it first") from None
        return
    if not stat.S_ISSOCK(mode):
        raise UserError(f"uds={path} is there and no socket: give another path, or remove it")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise UserError(f"a server listens at {path} already: stop it, or give another uds=")


def bind(address: str, add_port: Callable[[str], int]) -> str:
    """Binds a gRPC server, by its `add_port`; the address with the port that was taken.

    UserError where that is not possible. A socket's file is made for its owner alone.
    """
    _try(address)
    before = os.umask(PRIVATE)
    try:
        port = add_port(address)
    except RuntimeError as fault:  # gRPC's word for anything that is in the way
        is_unix, folder = address.startswith("unix:"), Path(address.removeprefix("unix:")).parent
        reason = f"its folder may not be written ({folder})" if is_unix else "gRPC gives no reason"
        raise _unusable(address, reason) from fault
    finally:
        os.umask(before)
    return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"


def _try(address: str) -> None:
    """UserError where nobody can listen; tried before gRPC, which gives no reason and logs lines of its own."""
    if address.startswith("unix:"):
        return
    host, _, port = address.rpartition(":")
    try:
        family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except (OSError, OverflowError) as fault:
        raise _unusable(address, (getattr(fault, "strerror", None) or str(fault)).lower()) from fault


def _unusable(address: str, reason: str) -> UserError:
    return UserError(f"cannot listen at {address}: {reason}; give another address")
