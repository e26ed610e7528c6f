"""Who may ask: names of hosts, origins, tokens, cookies, caps, and the headers of every answer."""

import asyncio
import re

import pytest
from reviewed import reviewed

from railyard.board.review.guard import Guard, Rules
from railyard.core.serving import Token


def nothing():
    return iter([])


@pytest.fixture(scope="module")
def client():
    with reviewed(nothing, Rules(origins=["http://localhost:5173"])) as found:
        yield found


@pytest.fixture
def guarded():
    with reviewed(nothing, Rules(token=Token(b"secret"))) as found:
        yield found


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"])
def test_names_of_this_machine_are_answered(client, host):
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.7", "", "127.0.0.1.evil.example"]
)
@pytest.mark.parametrize("path", ["/health", "/sessions", "/", "/docs"])
def test_other_names_are_refused_wherever_they_ask(client, host, path):
    found = client.get(path, headers={"host": host})
    assert found.status_code == 421
    assert "this server is not called" in found.text


def test_an_open_listener_is_known_by_any_address_and_by_names_it_was_given():
    rules = Rules.of_listener("0.0.0.0", ["review.example"], [], None)
    assert all(map(rules.knows_host, ["10.0.0.7:8080", "[fe80::1]:8080", "review.example", "localhost"]))
    assert not rules.knows_host("evil.example")
    one = Rules.of_listener("10.0.0.7", [], [], None)
    assert one.knows_host("10.0.0.7:1")
    assert not one.knows_host("10.0.0.8:1")
    assert Rules.of_listener("fe80::1", [], [], None).knows_host("[fe80::1]:80")


def test_pages_of_listed_origins_may_read_and_others_not(client):
    listed = client.get("/health", headers={"origin": "http://localhost:5173"})
    assert listed.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert listed.headers["vary"] == "origin"
    for origin in ("http://localhost:5174", "https://localhost:5173", "null", "http://evil.example"):
        assert "access-control-allow-origin" not in client.get("/health", headers={"origin": origin}).headers


def test_a_preflight_names_what_listed_origins_may_do(client):
    asking = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
    found = client.options("/sessions", headers=asking)
    assert found.status_code == 204
    assert "POST" in found.headers["access-control-allow-methods"]
    other = client.options("/sessions", headers={**asking, "origin": "http://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_pages_of_other_origins_change_nothing(client):
    assert client.post("/token", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/token", headers={"origin": "null"}).status_code == 403
    for origin in ("http://localhost", "http://localhost:5173"):
        assert client.post("/token", headers={"origin": origin}).status_code not in (403, 421)


def test_every_answer_says_what_a_browser_may_do_with_it(client):
    for path in ("/health", "/sessions", "/", "/docs", "/none", "/openapi.json", "/sessions/x/runs"):
        found = client.get(path)
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert found.headers["x-content-type-options"] == "nosniff"
    assert client.get("/health", headers={"host": "evil"}).headers["x-content-type-options"] == "nosniff"


def test_pages_hold_no_script_of_their_own_and_ask_no_other_host(client):
    for path in ("/", "/docs"):
        text = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)
        assert "http://" not in text
        assert "https://" not in text
        assert "style=" not in text


@pytest.mark.parametrize("path", ["/health", "/runs", "/sessions", "/openapi.json", "/docs"])
def test_a_token_is_wanted_where_there_is_one(guarded, path):
    refused = guarded.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    for wrong in ("secret", "Bearer secre", "Bearer secrets", "Basic secret"):
        assert guarded.get(path, headers={"authorization": wrong}).status_code == 401
    assert guarded.get(path, headers={"authorization": "Bearer secret"}).status_code != 401


def test_the_viewer_exchanges_the_token_for_a_cookie_that_scripts_cannot_read(guarded):
    for path in ("/", "/view/review/a?step=4"):
        assert guarded.get(path).status_code == 200
    assert guarded.post("/token", json={"token": "wrong"}).status_code == 401
    assert guarded.get("/sessions").status_code == 401
    found = guarded.post("/token", json={"token": "secret"})
    assert found.status_code == 204
    cookie = found.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "secret" not in cookie
    assert guarded.get("/sessions").status_code == 200
    guarded.cookies.clear()
    assert guarded.get("/sessions", headers={"cookie": "railyard_review=secret"}).status_code == 401


def test_long_bodies_and_long_parameters_are_refused(client):
    assert client.post("/token", content=b"x" * 70_000).status_code == 413
    assert client.post("/token", content=(b"x" * 1000 for _ in range(100))).status_code == 413
    assert client.get("/sessions", params={"x": "y" * 20_000}).status_code == 414


def test_at_most_so_many_requests_are_answered_at_one_time():
    """The application waits until it is let go; one more than may be is refused at once."""
    free = asyncio.Event()
    sent = []

    async def slow(scope, receive, send):
        await free.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "http.request", "body": b""}

    async def run():
        guard = Guard(slow, Rules(most_requests=2))
        scope = {"type": "http", "method": "GET", "path": "/sessions", "query_string": b""}
        scope["headers"] = [(b"host", b"localhost")]

        async def ask(number):
            async def send(message):
                if message["type"] == "http.response.start":
                    sent.append((number, message["status"]))

            await guard(scope, receive, send)

        held = [asyncio.create_task(ask(number)) for number in range(2)]
        await asyncio.sleep(0)
        await ask(2)
        free.set()
        await asyncio.gather(*held)

    asyncio.run(run())
    assert sent == [(2, 503), (0, 200), (1, 200)]
