"""`/views`: named searches of a root."""

import os
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from railyard.board.review.config import ROOT
from railyard.board.review.views import FOLDER, LONGEST_NAME, View, ViewBody, Views

if TYPE_CHECKING:
    from railyard.board.review.app import Reviewer
    from railyard.board.review.config import Review

Name = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME, description="of the view")]


def views_of(knobs: "Review") -> Views:
    """Those of the root; single sessions have none."""
    if knobs.session is not None or knobs.pool is not None:
        return Views(None, may_write=False)
    root = knobs.root or ROOT
    return Views(root / FOLDER, may_write=not knobs.read_only and os.access(root, os.W_OK))


class AllViews(BaseModel):
    views: list[View] = Field(description="by name")
    may_write: bool = Field(description="whether this server keeps views; others only read")


def router(reviewer: "Reviewer") -> APIRouter:
    api = APIRouter(tags=["views"])
    views = views_of(reviewer.knobs)

    @api.get("/views", response_model=AllViews)
    def all_views() -> AllViews:
        """The searches that were kept."""
        return AllViews(views=views.all(), may_write=views.may_write)

    @api.get("/views/{name}")
    def view(name: Name) -> View:
        """One of them."""
        return views.get(name)

    @api.put("/views/{name}")
    def save(name: Name, body: ViewBody) -> View:
        """Keeps a search under a name, in place of an older one."""
        return views.save(name, body)

    @api.delete("/views/{name}", status_code=204)
    def delete(name: Name) -> None:
        """Forgets one."""
        views.delete(name)

    return api
