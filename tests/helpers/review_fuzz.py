"""Requests made up from the OpenAPI document of review, and strings that try to leave its folders.

`made_up(app, count, seed)`: every endpoint is asked so often by schemathesis; an answer of 500 or more but 503, and one
that does not fit its schema, is a fault. `escapes(client, count, seed)`: traversal strings in every parameter and path.
"""

import copy
import random
from collections import Counter
from urllib.parse import quote

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
SECRET = "root:x:0:0"
ENDS = ("etc/passwd", "source.json", "metadata.db", "annotation_manifest.json", ".hydra/config.yaml", "")
PATIENCE = 300  # seconds: the first analysis compiles the search, which takes long on a busy machine
STEPS = ("../", "..\\", "%2e%2e/", "..%2f", "%252e%252e%252f", "....//", "..;/", "/", "//", "file:///", "\x00../", "~/")


def made_up(client, count, first_seed, values):
    """Asks every endpoint `count` times; faults, and how many answers of each status.

    values: of path parameters, which three of four requests have: others name what does not exist.
    """
    app = client.app
    own = app.openapi()
    faults, statuses = _asked(app, -(-count // 4), first_seed)
    app.openapi_schema = with_known(own, values)
    try:
        more, others = _asked(app, count - count // 4, first_seed + 1000)
    finally:
        app.openapi_schema = own
    return faults + more, statuses + others


def with_known(document, values):
    """The document with path parameters that have one value each."""
    found = copy.deepcopy(document)
    for methods in found["paths"].values():
        for said in methods.values():
            for parameter in said.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] in values:
                    parameter["schema"] = {"const": values[parameter["name"]]}
    return found


def _asked(app, count, first_seed):
    document = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"host": "localhost"})
    faults, statuses = [], Counter()
    for number, found in enumerate(document.get_all_operations()):
        operation = found.ok()

        @seed(first_seed + number)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            try:
                response = case.call(headers={"host": "localhost"}, timeout=PATIENCE)
                statuses[response.status_code] += 1
                case.validate_response(response, checks=list(CHECKS))
            except Exception as fault:  # noqa: BLE001  # whatever it is, it is counted and shown
                faults.append(f"{case.method} {case.formatted_path}: {fault}")

        ask()
    return faults, statuses


def traversals(count, first_seed):
    """So many strings."""
    draw = random.Random(first_seed)
    for _ in range(count):
        yield "".join(draw.choices(STEPS, k=draw.randint(1, 8))) + draw.choice(ENDS)


def escapes(client, count, first_seed):
    """What a traversal string got out of a server: nothing, or what it was."""
    document = client.get("/openapi.json").json()
    draw, found = random.Random(first_seed), []
    places = [
        (path, parameter["name"], parameter["in"])
        for path, methods in document["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
    ]
    for text in traversals(count, first_seed):
        path, name, kind = draw.choice(places)
        asked = path
        for other in [part for part in path.split("/") if part.startswith("{")]:
            asked = asked.replace(other, quote(text, safe="") if other == f"{{{name}}}" and kind == "path" else "0")
        params = {name: text} if kind == "query" else {}
        for response in (client.get(asked, params=params), client.get("/" + text.lstrip("/").replace("\x00", ""))):
            if (response.status_code >= 500 and response.status_code != 503) or SECRET in response.text:
                found.append(f"{asked} {name}={text!r}: {response.status_code}")
    return found
