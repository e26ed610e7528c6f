"""What goes wrong with a request: a status, and one sentence that says what, where, and what to do.

Functions raise a `Problem`, or any other UserError where data on the disk is at fault (409). New endpoints answer
`application/problem+json` (RFC 9457); `/health` and `/runs*` answer the sentence as plain text, as they always did.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

from railyard.core.errors import RailyardError, UserError

MEDIA_TYPE = "application/problem+json"
OLD = ("/health", "/runs")  # paths whose faults are plain text


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = Field("about:blank", description="always about:blank: the status says it all")
    title: str = Field(description="the status in words")
    status: int = Field(description="the status of this answer", ge=400, le=599)
    detail: str = Field(description="one sentence: what is wrong, and what to do")


class Problem(UserError):
    """A request that is not answered."""

    status = 500
    headers: Mapping[str, str] = {}


class BadRequest(Problem):
    status = 400


class NotFound(Problem):
    status = 404


class Forbidden(Problem):
    status = 403


class Conflict(Problem):
    """The data on the disk is not in a state to answer."""

    status = 409


class Busy(Problem):
    """The one place is taken."""

    status = 429
    headers = {"retry-after": "1"}  # noqa: RUF012


class Preparing(Problem):
    """What the answer needs is being made; later it will be there."""

    status = 503
    headers = {"retry-after": "2"}  # noqa: RUF012


def is_old(path: str) -> bool:
    """Whether faults of a path are plain text."""
    return path.startswith(OLD) and not path.startswith("/sessions")


def status_of(fault: RailyardError) -> int:
    """The status of an error that reached the edge: other mistakes than the caller's are the data's."""
    return fault.status if isinstance(fault, Problem) else 409 if isinstance(fault, UserError) else 500


def details(status: int, sentence: str) -> dict[str, Any]:
    """The object of a problem."""
    made = ProblemDetails(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=sentence)
    return made.model_dump()
