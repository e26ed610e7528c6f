"""`POST /token`: the token of this server for a cookie, which the viewer does once."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from railyard.board.review.guard import Refused, Rules
from railyard.board.review.limits import MOST_TEXT

if TYPE_CHECKING:
    from railyard.board.review.app import Reviewer


class Entry(BaseModel):
    token: str = Field(max_length=MOST_TEXT, description="what the file of token_file= holds")


def router(reviewer: "Reviewer") -> APIRouter:
    api = APIRouter(tags=["server"])

    @api.post("/token", status_code=204, response_class=Response)
    def token(entry: Entry) -> Response:
        """Gives a cookie for the token; a server without a token gives none, and needs none."""
        return Response(status_code=204, headers=cookie_of(reviewer.rules, entry.token))

    return api


def cookie_of(rules: Rules, word: str) -> dict[str, str]:
    """The header that keeps the caller known. Refused where the word is not the token."""
    if rules.token is None:
        return {}
    if not rules.token.is_word(word.encode()):
        raise Refused(401, "this is not the token of this server", **{"www-authenticate": "Bearer"})
    return {"set-cookie": rules.cookie}
