"""`POST /analyze` and `/analyze/rollouts`: any board, asked about; left out with `analysis=false`."""

from typing import TYPE_CHECKING

from fastapi import APIRouter

from railyard.board.inference.client.addresses import listed
from railyard.board.review.analysis import Analyst, Asked
from railyard.board.review.analysis_models import Analysis, AnalyzeRequest, RolloutRequest, Rollouts

if TYPE_CHECKING:
    from railyard.board.review.app import Reviewer


def router(reviewer: "Reviewer") -> APIRouter:
    api = APIRouter(tags=["analysis"])
    knobs = reviewer.knobs
    if not knobs.analysis:
        return api
    addresses = listed(knobs.address)
    analyst = Analyst(knobs.tables, Asked(addresses, knobs.client) if addresses else None, warming=reviewer.warming)
    reviewer.models[:] = addresses
    reviewer.closing.callback(analyst.close)

    @api.post("/analyze")
    def analyze(request: AnalyzeRequest) -> Analysis:
        """Legality, the static value, the teacher's values, and what the model says of a board."""
        return analyst.analyze(request)

    @api.post("/analyze/rollouts")
    def rollouts(request: RolloutRequest) -> Rollouts:
        """Moves of a board played on to the end, all over the same tiles."""
        return analyst.rollouts(request)

    return api
