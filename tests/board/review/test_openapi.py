"""The OpenAPI document: every endpoint has an example that is sent; docs/review.md and the recorded answers are those.

Requests that schemathesis makes up of it and traversal strings are cut to few here: `./run prove review` has them all.
"""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from review_examples import EXAMPLES, RECORDED
from reviewed import reviewed_examples

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with reviewed_examples() as found:
            yield found


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "review_api.py"
    spec = importlib.util.spec_from_file_location("review_api", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def test_every_endpoint_has_an_example(client):
    document = client.get("/openapi.json").json()
    wanted = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert wanted == {(example.path, example.method) for example in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_answered_as_it_was_recorded(client, example):
    found = example.send(client)
    assert found.status_code < 300, found.text
    file = RECORDED / f"{example.name}.json"
    if example.accept:
        assert found.text.rstrip("\n") == file.read_text().rstrip("\n")
    elif "json" in found.headers.get("content-type", ""):
        assert found.json() == json.loads(file.read_text()), "run scripts/review_api.py"


def test_the_page_is_made_of_the_document(client, script):
    page = (ROOT / "docs" / "review.md").read_text()
    section = script.section(client.get("/openapi.json").json(), script.recorded(client))
    assert script.with_section(page, section) == page, "run scripts/review_api.py"


def test_faults_of_every_endpoint_are_in_the_document(client):
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for said in methods.values():
            assert "422" not in said["responses"]
            (kind,) = said["responses"]["404"]["content"]
            assert kind == ("text/plain" if path.startswith(("/health", "/runs")) else "application/problem+json")


@pytest.mark.slow
def test_requests_that_are_made_up_are_answered_as_the_document_says(client):
    import review_fuzz
    from review_examples import SESSION

    faults, statuses = review_fuzz.made_up(client, 40, 1, {"session": SESSION, "run_id": 0})
    assert not faults, "\n".join(faults[:5])
    assert statuses[200] > 0


@pytest.mark.slow
def test_strings_that_climb_folders_get_nothing(client):
    import review_fuzz

    assert review_fuzz.escapes(client, 200, 1) == []
