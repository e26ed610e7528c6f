"""Faults of requests as answers: a problem for new endpoints, plain text for those that always had it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from railyard.board.review.problems import MEDIA_TYPE, Problem, details, is_old, status_of
from railyard.core.errors import RailyardError, short

log = logging.getLogger(__name__)


def told(path: str, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that a request to this path gets."""
    if is_old(path):
        return Response(sentence, status, dict(headers or {}), "text/plain")
    return Response(to_json(details(status, sentence)), status, dict(headers or {}), MEDIA_TYPE)


def answer_faults(app: FastAPI) -> None:
    """Has an application tell faults so."""

    @app.exception_handler(RailyardError)
    async def _of_ours(request: Request, fault: RailyardError) -> Response:
        headers = fault.headers if isinstance(fault, Problem) else None
        return told(request.url.path, status_of(fault), str(fault), headers)

    @app.exception_handler(RequestValidationError)
    async def _of_parameters(request: Request, fault: RequestValidationError) -> Response:
        return told(request.url.path, 400, _sentence(fault.errors()))

    @app.exception_handler(HTTPException)
    async def _of_routes(request: Request, fault: HTTPException) -> Response:
        return told(request.url.path, fault.status_code, f"{request.url.path}: {fault.detail}", fault.headers)

    @app.exception_handler(Exception)
    async def _defect(request: Request, fault: Exception) -> Response:
        return told(request.url.path, 500, "a defect of Railyard: its log says more")


def _sentence(errors: Sequence[Any]) -> str:
    """The first thing that is wrong with a request's parameters."""
    error = errors[0]
    where = ".".join(str(part) for part in error["loc"][1:]) or "the request"
    reason = str(error["msg"]).replace("Input should be", "must be", 1)
    if error["type"] == "missing":
        return f"{where} is required here"
    return f"{where}: {reason}, got {short(error.get('input'))}"
