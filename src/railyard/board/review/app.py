"""The application: routers, one file a concern, each around functions that need no HTTP.

A router is a file of `routers/` with a function `router(reviewer: Reviewer) -> APIRouter`, listed in ROUTERS. Endpoints
are plain functions (they run on threads), open a session by `reviewer.catalogue.open(id)`, and raise a `Problem` for
what cannot be answered. Large answers are bytes of `answers.py`, with their model named as `response_model`.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

from railyard.board.review import limits
from railyard.board.review.faults import answer_faults
from railyard.board.review.guard import Guard, Rules
from railyard.board.review.openapi import document
from railyard.board.review.pages import add_pages
from railyard.board.review.routers import analysis, entry, reference, search, sessions, views
from railyard.board.review.sessions import Catalogue
from railyard.board.review.warming import Warming
from railyard.core import package

if TYPE_CHECKING:
    from railyard.board.review.config import Review


@dataclass
class Reviewer:
    """What all routers share; `rules` say who may ask: by default whoever calls it by a name of this machine."""

    catalogue: Catalogue
    knobs: "Review"
    rules: Rules = field(default_factory=Rules)
    limits: "limits.Limits" = field(default_factory=limits.Limits)
    warming: Warming = field(default_factory=Warming)
    closing: ExitStack = field(default_factory=ExitStack)  # closed when the server has drained
    models: list[str] = field(
        default_factory=list
    )  # that boards can be analysed with, by the addresses of their servers


ROUTERS: Sequence[Callable[[Reviewer], APIRouter]] = (
    entry.router,
    reference.router,
    sessions.router,
    search.router,
    analysis.router,
    views.router,
)


def make_app(reviewer: Reviewer) -> FastAPI:
    """The whole application."""
    app = FastAPI(
        title="Railyard review",
        version=package.__version__,
        description="Annotated games of 2048: runs, steps, searches, comparisons, analyses of boards.",
        docs_url=None,  # FastAPI's pages load scripts of other hosts
        redoc_url=None,
    )
    for build in ROUTERS:
        app.include_router(build(reviewer))
    add_pages(app)
    answer_faults(app)
    document(app)
    app.add_middleware(Guard, rules=reviewer.rules)
    return app
