"""The OpenAPI document: every endpoint has an example that is sent; docs/review.md and the recorded answers are those.

Requests that schemathesis makes up of it and traversal strings are cut to few here: `./run prove review` has them all.
"""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from review_examples import EXAMPLES, RECORDED
from review_inputs import KINDS
from reviewed import reviewed_examples

from railyard.board.review import reference_models, session_models

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
    if example.accept:
        assert found.text.rstrip("\n") == example.recorded.read_text().rstrip("\n"), "run scripts/review_api.py"
    elif found.content and "json" in found.headers.get("content-type", ""):
        assert found.json() == json.loads(example.recorded.read_text()), "run scripts/review_api.py"


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


MODELS = {
    "sessions": session_models.Sessions,
    "session_runs": session_models.SessionRuns,
    "session_steps": session_models.SessionSteps,
    "health": reference_models.Health,
    "runs": reference_models.RunsPage,
    "run_steps": reference_models.RunSteps,
    "disagreements": reference_models.Disagreements,
}


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_answers_of_every_kind_of_session_fit_their_models(kind):
    files = sorted((RECORDED / kind).glob("*.json"))
    assert {file.stem for file in files} == MODELS.keys()
    for file in files:
        MODELS[file.stem].model_validate_json(file.read_text())


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
