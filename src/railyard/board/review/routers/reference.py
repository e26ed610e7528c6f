"""`/health` and `/runs*`: what the reference's server answers, of the session given or the newest one."""

import logging
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from railyard.board.review import reference_models as models
from railyard.board.review.answers import NDJSON, json_answer, lines_answer
from railyard.board.review.limits import MOST_DISAGREEMENTS, MOST_RUNS, MOST_STEPS
from railyard.board.review.open_session import OpenSession
from railyard.board.review.problems import NotFound
from railyard.board.review.reference_runs import LEGEND, disagreements_of, found_runs, runs_of
from railyard.board.review.reference_steps import steps_of
from railyard.board.review.streaming import run_lines
from railyard.board.review.student import MOST_TOP, StudentMode

if TYPE_CHECKING:
    from railyard.board.review.app import Reviewer

log = logging.getLogger(__name__)

WIDEST = 2**63 - 1
RunId = Annotated[int, Path(ge=0, lt=2**64, description="id of a run")]
Bound = Annotated[int | None, Query(ge=0, lt=2**64)]
Offset = Annotated[int, Query(ge=0, lt=2**64, description="of the first step, counted in the run; cut to its end")]
Mode = Annotated[StudentMode, Query(description="bins of the student: all, or of each move the largest")]
Top = Annotated[int, Query(ge=1, le=MOST_TOP, description="bins of each move with student_mode=topk")]
LINES: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "steps, or lines of them"}
}


def router(reviewer: "Reviewer") -> APIRouter:
    api = APIRouter(tags=["reference"])
    catalogue = reviewer.catalogue

    @api.get("/health", response_model=models.Health, response_model_exclude_unset=True)
    def health() -> Response:
        """Whether the server answers, what it shows, and what it caps."""
        return json_answer(health_of(reviewer))

    @api.get("/runs", response_model=models.RunsPage, response_model_exclude_unset=True)
    def runs(
        page: Annotated[int, Query(ge=0, lt=2**63, description="from 1 on")] = 1,
        page_size: Annotated[int, Query(ge=0, lt=2**63, description="cut to 1 to 500")] = 25,
        min_score: Bound = None,
        max_score: Bound = None,
        min_highest_tile: Bound = None,
        max_highest_tile: Bound = None,
        min_steps: Bound = None,
        max_steps: Bound = None,
        sort: Annotated[
            str,
            Query(
                max_length=4096,
                description="score_asc, tile_desc, tile_asc, steps_desc, steps_asc; any other word: score, descending",
            ),
        ] = "score_desc",
    ) -> Response:
        """Runs within bounds, a page of them."""
        session = catalogue.newest()
        bounds = {
            "max_score": (_cut(min_score), _cut(max_score)),
            "highest_tile": (_cut(min_highest_tile), _cut(max_highest_tile)),
            "steps": (_cut(min_steps), _cut(max_steps)),
        }
        places = found_runs(session, bounds, sort)
        page, page_size = max(page, 1), min(max(page_size, 1), MOST_RUNS)
        shown = places[(page - 1) * page_size :][:page_size]
        answer = {"total": len(places), "page": page, "page_size": page_size, "runs": runs_of(session, shown)}
        return json_answer({**answer, **facts_beside(session)})

    @api.get("/runs/{run_id}", response_model=models.RunSteps, response_model_exclude_unset=True, responses=LINES)
    def run(
        request: Request,
        run_id: RunId,
        offset: Offset = 0,
        limit: Annotated[
            int, Query(ge=0, lt=2**63, description="cut to 1 to 1000; of lines the steps in all, by default the rest")
        ] = 200,
        tokenize: Annotated[bool, Query(description="adds the tokens of the teacher's EVs")] = False,
        student_mode: Mode = StudentMode.full,
        student_topk: Top = 5,
        bins: Annotated[bool, Query(description="false leaves the bins of the student out")] = True,
    ) -> Response:
        """Steps of a run. With `accept: application/x-ndjson` a first line without steps, a line a step, and a last
        line `{"next": offset or null}`."""
        session = catalogue.newest()
        place = session.run_place(run_id)
        if tokenize and session.tokenizer is None:
            session.once("no tokenizer", lambda: log.warning("%s has no tokenizer: steps have no tokens", session.id))
        total = int(session.run_rows.counts_R[place])
        offset = min(offset, total)
        told = {"run": runs_of(session, _one(place))[0], **facts_beside(session)}
        if NDJSON in request.headers.get("accept", ""):
            wanted = total - offset if "limit" not in request.query_params else min(limit, total - offset)
            return lines_answer(
                run_lines(
                    {**told, "pagination": {"offset": offset, "limit": wanted, "total": total}},
                    offset,
                    wanted,
                    total,
                    lambda first, count: steps_of(
                        session, place, first, count, tokenize, student_mode, student_topk, bins
                    ),
                )
            )
        count = min(max(limit, 1), MOST_STEPS, total - offset)
        steps = steps_of(session, place, offset, count, tokenize, student_mode, student_topk, bins)
        pagination = {"offset": offset, "limit": count, "total": total}
        return json_answer({**told, "pagination": pagination, "steps": steps})

    @api.get("/runs/{run_id}/disagreements", response_model=models.Disagreements)
    def disagreements(
        run_id: RunId,
        offset: Offset = 0,
        limit: Annotated[int, Query(ge=0, lt=2**63, description="cut to 1 to 1000")] = 100,
    ) -> Response:
        """Steps at which the best head, legal or not, differs from the move of the pool."""
        session = catalogue.newest()
        found = disagreements_of(session, session.run_place(run_id))
        shown = found[offset:][: min(max(limit, 1), MOST_DISAGREEMENTS)]
        return json_answer({"disagreements": shown, "total": len(found)})

    return api


def health_of(reviewer: "Reviewer") -> dict[str, Any]:
    """What `/health` answers; a server whose root has no finished session yet is well, too."""
    found: dict[str, Any] = {"status": "ok"}
    try:
        session = reviewer.catalogue.newest()
    except NotFound:
        session = None
    if session is not None:
        found["session"] = session.id
        if session.tokenizer is not None:
            found["tokenizer"] = tokenizer_facts(session)
        found.update(_bins_facts(session))
        if "provenance" in session.annotated.manifest:
            found["provenance"] = session.annotated.manifest["provenance"]
    found["analysis"], found["models"] = reviewer.knobs.analysis, reviewer.models
    found["limits"] = reviewer.limits.model_dump()
    return found


def tokenizer_facts(session: OpenSession) -> dict[str, Any]:
    """Of a session that has one."""
    assert session.tokenizer is not None
    said = session.tokenizer.to_json()
    names = session.tokenizer.class_names
    return {
        "tokenizer_type": str(said.get("tokenizer_type", session.tokenizer.kind)),
        "num_bins": int(said.get("num_bins", len(names))),
        "vocab_order": [str(name) for name in said.get("vocab_order", names.values())],
        "valuation_types": [str(name) for name in said.get("valuation_types", [])],
    }


def facts_beside(session: OpenSession) -> dict[str, Any]:
    """What lists and details tell beside their runs."""
    return {"policy_kind_legend": LEGEND, **_bins_facts(session)}


def _bins_facts(session: OpenSession) -> dict[str, Any]:
    return {"student_bins": {"num_bins": session.num_bins}} if session.student is not None else {}


def _cut(bound: int | None) -> int | None:
    return None if bound is None else min(bound, WIDEST)


def _one(place: int) -> Any:
    import numpy as np

    return np.array([place])
