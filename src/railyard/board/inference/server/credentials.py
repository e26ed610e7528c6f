"""Who may ask: certificates for both sides of TLS, and a token that requests bring."""

import ssl
from collections.abc import Iterable
from pathlib import Path

import grpc

from railyard.core.errors import UserError
from railyard.core.serving import Token
from railyard.core.store.reading import read_bytes

LONGEST_PEM = 1 << 20  # bytes
HEADER = "authorization"


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


def brings(token: Token, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
    """Whether a request's metadata brings the token."""
    found = [value for key, value in metadata if key == HEADER]
    given = found[0] if len(found) == 1 else ""
    return token.is_header(given if isinstance(given, bytes) else given.encode())
