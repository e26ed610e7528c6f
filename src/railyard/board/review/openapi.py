"""The OpenAPI document: FastAPI's own, with the faults that every endpoint can answer, and without its 422."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from railyard.board.review.problems import MEDIA_TYPE, ProblemDetails, is_old

FAULTS = {
    "400": "a parameter that is not what it has to be",
    "401": "the token of this server is missing",
    "403": "a page of an origin that may not change anything here",
    "404": "there is no such session, run or view",
    "409": "the data on the disk cannot answer: a session still being written, a missing shard, a changed pool",
    "413": "the body is too long",
    "414": "the parameters are too long",
    "421": "the Host header does not name this server",
    "429": "an analysis is running: one at a time",
    "503": "too much is being answered, or what the answer needs is still being prepared",
}
DROPPED = ("HTTPValidationError", "ValidationError")


def document(app: FastAPI) -> None:
    """Has an application describe itself so."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            app.openapi_schema = _with_faults(made)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _with_faults(made: dict[str, Any]) -> dict[str, Any]:
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in DROPPED:
        schemas.pop(name, None)
    schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
    for path, methods in made["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            for status, what in FAULTS.items():
                if status == "429" and not path.startswith("/analyze"):
                    continue
                operation["responses"].setdefault(status, {"description": what, "content": _content(path)})
    return made


def _content(path: str) -> dict[str, Any]:
    if is_old(path):
        return {"text/plain": {"schema": {"type": "string"}}}
    return {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
