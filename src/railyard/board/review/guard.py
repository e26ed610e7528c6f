"""Who may ask, before any endpoint sees the request: names of this machine, origins, the token, caps, and the headers
that each answer has.

* Host: a page of another site can make a browser call 127.0.0.1 by a name of its own; such names are refused (421).
* Origin: pages of listed origins may read answers (CORS, exact); a page of another one changes nothing (403).
* Token: where there is one, `authorization: Bearer …` or the cookie that `POST /token` gives for it. The cookie is
  HttpOnly and holds no token but a word of this server's own. The viewer's files alone need none.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from railyard.board.review.faults import told
from railyard.board.review.limits import MOST_BODY, MOST_REQUESTS, MOST_TEXT
from railyard.board.review.problems import Problem
from railyard.core.serving import Token

COOKIE = "railyard_review"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
TOKEN_PATH = "/token"  # where a token is exchanged for the cookie
OPEN_PATHS = ("/", "/index.html", TOKEN_PATH)
OPEN_FOLDERS = ("/assets/", "/view/")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
CORS = {
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "content-disposition, retry-after",
    "vary": "origin",
}
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": "authorization, content-type, accept",
    "access-control-max-age": "600",
}


class Refused(Problem):
    """A request that no endpoint sees."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status, self.headers = status, headers


@dataclass
class Rules:
    """hosts: names beside those of this machine. any_address: whether any IP address is one, which no name of a
    stranger can stand for. origins: exact. token: None asks for none."""

    hosts: Iterable[str] = ()
    any_address: bool = False
    origins: Iterable[str] = ()
    token: Token | None = None
    most_requests: int = MOST_REQUESTS
    most_body: int = MOST_BODY
    word: str = field(default_factory=lambda: secrets.token_urlsafe(32))  # of the cookie

    @classmethod
    def of_listener(cls, host: str, names: Iterable[str], origins: Iterable[str], token: Token | None) -> "Rules":
        """Those of a server that listens at `host`."""
        is_open = host in ("0.0.0.0", "::", "[::]")
        own = [socket.gethostname()] if is_open else [host if ":" not in host or host[0] == "[" else f"[{host}]"]
        return cls([*names, *own], is_open, origins, token)

    def knows_host(self, value: str) -> bool:
        """Whether a Host header names this server; ports do not matter."""
        name = _without_port(value).lower()
        if name in LOCAL_NAMES or name in {known.lower() for known in self.hosts}:
            return True
        return self.any_address and _is_address(name)

    def knows_cookie(self, headers: Headers) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self.word.encode())

    @property
    def cookie(self) -> str:
        """The Set-Cookie header of who brought the token."""
        return f"{COOKIE}={self.word}; HttpOnly; SameSite=Strict; Path=/"


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules, self._running = app, rules, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        marked = self._marked(headers, send)
        try:
            self._check(scope, headers)
        except Refused as fault:
            await told(scope["path"], fault.status, str(fault), fault.headers)(scope, receive, marked)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await marked({"type": "http.response.start", "status": 204, "headers": _raw(PREFLIGHT)})
            await marked({"type": "http.response.body"})
            return
        self._running += 1
        try:
            await self._app(scope, self._capped(receive), marked)
        finally:
            self._running -= 1

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._check_names(scope, headers)
        self._check_token(scope, headers)
        self._check_sizes(scope, headers)

    def _check_names(self, scope: Scope, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._rules.knows_host(host):
            raise Refused(
                421, f"this server is not called {host!r}: use the address that it told, or name it in hosts="
            )
        is_foreign = origin is not None and not _is_same(origin, host) and origin not in self._rules.origins
        if is_foreign and scope["method"] not in SAFE_METHODS:
            raise Refused(403, f"pages of {origin} may not change anything here: name that origin in origins=")

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        token, path = self._rules.token, scope["path"]
        if token is None or path in OPEN_PATHS or path.startswith(OPEN_FOLDERS) or scope["method"] == "OPTIONS":
            return
        given = headers.get("authorization", "")
        if not token.is_header(given.encode()) and not self._rules.knows_cookie(headers):
            asked = {"www-authenticate": "Bearer"}
            raise Refused(401, "this server wants its token: authorization: Bearer …, or POST /token first", **asked)

    def _check_sizes(self, scope: Scope, headers: Headers) -> None:
        if self._running >= self._rules.most_requests:
            later = {"retry-after": "1"}
            raise Refused(503, f"{self._running} requests are being answered: ask again in a second", **later)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._rules.most_body:
            raise Refused(413, f"a body has at most {self._rules.most_body:,} bytes, got {length[:20]}")
        if len(scope["query_string"]) > 4 * MOST_TEXT:
            raise Refused(414, f"parameters have at most {4 * MOST_TEXT:,} bytes, got {len(scope['query_string']):,}")

    def _capped(self, receive: Receive) -> Receive:
        """Bodies without a length are counted as they come."""
        taken = 0

        async def read() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._rules.most_body:
                raise HTTPException(413, f"a body has at most {self._rules.most_body:,} bytes")
            return message

        return read

    def _marked(self, headers: Headers, send: Send) -> Send:
        origin = headers.get("origin")
        is_listed = origin is not None and origin in self._rules.origins
        added = {**HEADERS, **CORS, "access-control-allow-origin": str(origin)} if is_listed else HEADERS

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_raw(added, message)]
            await send(message)

        return marked


def _raw(
    headers: MutableMapping[str, str] | dict[str, str], message: Message | None = None
) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them, without those that a message sets itself."""
    there = {name.lower() for name, _ in (message or {}).get("headers", [])}
    return [(name.encode(), value.encode()) for name, value in headers.items() if name.encode() not in there]


def _without_port(value: str) -> str:
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_same(origin: str, host: str) -> bool:
    """Whether a page of this origin was sent by the server of that name."""
    try:
        parts: Any = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
