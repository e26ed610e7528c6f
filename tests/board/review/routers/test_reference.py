"""What the reference's server answers: its own responses over its own files, to the last digit."""

import json

import pytest
from reviewed import BOARD, reference

RESPONSES = json.loads((BOARD / "15_server_responses_some.json").read_text())


@pytest.fixture
def client(tmp_path, monkeypatch):
    with reference(tmp_path, monkeypatch) as found:
        yield found


def asked(client, key):
    """The answer to the request that a fixture's key names."""
    path, _, rest = key.removeprefix("GET ").partition("?")
    params = json.loads(rest) if rest.startswith("{") else dict(part.split("=") for part in rest.split("&") if part)
    return client.get(path, params={name: str(value).lower() for name, value in params.items()})


@pytest.mark.parametrize("key", [key for key in RESPONSES if "4242" not in key and "health" not in key])
def test_a_response_is_that_of_the_reference_to_the_last_digit(client, key):
    found = asked(client, key)
    assert found.status_code == 200, found.text
    assert json.dumps(found.json(), sort_keys=True) == json.dumps(RESPONSES[key], sort_keys=True)


def test_health_holds_what_the_reference_tells_and_more(client):
    found = client.get("/health").json()
    wanted = RESPONSES["GET /health"]
    assert {name: found[name] for name in wanted} == wanted
    assert found["limits"]["runs_page"] == 500
    assert "provenance" not in found


def test_an_unknown_run_is_404_in_the_words_of_the_reference(client):
    wanted = RESPONSES["GET /runs/4242"]
    found = client.get("/runs/4242")
    assert (found.status_code, found.text) == (wanted["status"], wanted["text"])
    assert found.headers["content-type"].startswith("text/plain")
