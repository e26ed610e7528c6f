"""Who may ask: certificates for both sides of TLS, and a token that requests bring."""

import hmac
import ssl
from collections.abc import Iterable
from pathlib import Path

import grpc

from railyard.core.errors import UserError
from railyard.core.store.reading import read_bytes

LONGEST_TOKEN, LONGEST_PEM = 4096, 1 << 20  # bytes
HEADER, SCHEME = "authorization", "Bearer "


def tls_credentials(cert: Path, key: Path, client_ca: Path | None) -> grpc.ServerCredentials:
    """Those of a server; with `client_ca` clients have to show a certificate too.

    UserError where a file cannot be read or holds something else: gRPC itself would only not listen.
    """
    pair = (_pem("tls_key", key), _pem("tls_cert", cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key, password="")  # an encrypted key is refused instead of asked for
    except (ssl.SSLError, ValueError) as fault:
        message = f"tls_cert={cert} and tls_key={key} are no certificate with its key (PEM): {fault}"
        raise UserError(message) from None
    if client_ca is None:
        return grpc.ssl_server_credentials([pair])
    authority = _pem("tls_client_ca", client_ca)
    try:
        context.load_verify_locations(cadata=authority.decode("ascii"))
    except (ssl.SSLError, ValueError) as fault:
        raise UserError(f"tls_client_ca={client_ca} holds no certificate (PEM): {fault}") from None
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=True)


def _pem(key: str, file: Path) -> bytes:
    try:
        return read_bytes(file, LONGEST_PEM)
    except OSError as fault:
        raise UserError(f"{key}={file} cannot be read: {fault.strerror}; give a file in PEM") from None


class Token:
    """The token of a server. Its text appears in no message."""

    def __init__(self, secret: bytes) -> None:
        self._header = SCHEME.encode() + secret

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

    def is_in(self, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """Whether a request brings it; takes the same time for every wrong one."""
        found = [value for key, value in metadata if key == HEADER]
        given = found[0] if len(found) == 1 else ""
        return hmac.compare_digest(given if isinstance(given, bytes) else given.encode(), self._header)
