"""`/sessions*`: which sessions there are, their runs, steps of a run, and columns of all its steps."""

import logging
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from railyard.board.review import session_models as models
from railyard.board.review.answers import NDJSON, json_answer, lines_answer
from railyard.board.review.limits import MOST_RUNS, MOST_STEPS, MOST_TEXT
from railyard.board.review.problems import BadRequest
from railyard.board.review.routers.reference import LINES, Mode, Offset, RunId, Top
from railyard.board.review.run_figures import figures, matching, ordered
from railyard.board.review.series import BESIDE, series
from railyard.board.review.session_facts import facts_of
from railyard.board.review.session_runs import session_runs
from railyard.board.review.steps import Shown, metrics_of, session_steps
from railyard.board.review.streaming import run_lines
from railyard.board.review.student import StudentMode
from railyard.core.errors import UserError

if TYPE_CHECKING:
    from railyard.board.review.app import Reviewer

log = logging.getLogger(__name__)

SessionId = Annotated[str, Path(min_length=1, max_length=512, description="id of a session, as /sessions lists it")]
Where = Annotated[
    str | None,
    Query(
        max_length=MOST_TEXT, description="conditions, all of which hold: `disagreement_rate>0.2, highest_tile>=2048`"
    ),
]
Metrics = Annotated[str | None, Query(max_length=MOST_TEXT, description="names of columns, joined by commas")]
FLOATS = "application/octet-stream"


def router(reviewer: "Reviewer") -> APIRouter:
    api = APIRouter(tags=["sessions"])
    catalogue = reviewer.catalogue

    @api.get("/sessions", response_model=models.Sessions, response_model_exclude_unset=True)
    def sessions() -> Response:
        """All sessions, the newest first; the root is looked through again."""
        return json_answer({"sessions": [facts_of(catalogue, place) for place in catalogue.places().values()]})

    @api.get("/sessions/{session}/schema", response_model=dict[str, Any])
    def schema(session: SessionId) -> Response:
        """schema.json as it stands; empty for annotations made elsewhere."""
        return json_answer(catalogue.open(session).annotated.schema)

    @api.get("/sessions/{session}/runs", response_model=models.SessionRuns)
    def runs(
        session: SessionId,
        page: Annotated[int, Query(ge=1, lt=2**63)] = 1,
        page_size: Annotated[int, Query(ge=1, lt=2**63, description="cut to 500")] = 25,
        where: Where = None,
        sort: Annotated[
            str, Query(max_length=MOST_TEXT, description="a number or text of a run, `-` before it: descending")
        ] = "-max_score",
    ) -> Response:
        """Runs that meet conditions, sorted by any of their figures; unknown ones come last."""
        found = catalogue.open(session)
        columns = figures(found)
        try:
            places = ordered(columns, matching(columns, where), sort)
        except UserError as fault:
            raise BadRequest(str(fault)) from None
        page_size = min(page_size, MOST_RUNS)
        shown = places[(page - 1) * page_size :][:page_size]
        answer = {"total": len(places), "page": page, "page_size": page_size, "runs": session_runs(found, shown)}
        return json_answer(answer)

    @api.get(
        "/sessions/{session}/runs/{run_id}/steps",
        response_model=models.SessionSteps,
        response_model_exclude_unset=True,
        responses=LINES,
    )
    def steps(
        request: Request,
        session: SessionId,
        run_id: RunId,
        offset: Offset = 0,
        limit: Annotated[
            int, Query(ge=0, lt=2**63, description="cut to 1 to 1000; of lines the steps in all, by default the rest")
        ] = 200,
        metrics: Metrics = None,
        student_mode: Mode = StudentMode.full,
        student_topk: Top = 5,
        tokenize: Annotated[bool, Query(description="adds the tokens of the teacher's EVs")] = False,
        bins: Annotated[bool, Query(description="false leaves the bins of the student out")] = True,
    ) -> Response:
        """Steps of a run; with `accept: application/x-ndjson` as lines, as those of /runs."""
        found = catalogue.open(session)
        place = found.run_place(run_id)
        shown = Shown(metrics_of(found, metrics), bins, student_mode, student_topk, tokenize)
        if tokenize and found.tokenizer is None:
            found.once("no tokenizer", lambda: log.warning("%s has no tokenizer: steps have no tokens", found.id))
        total = int(found.run_rows.counts_R[place])
        offset = min(offset, total)
        run = session_runs(found, [place])[0]
        if NDJSON in request.headers.get("accept", ""):
            wanted = total - offset if "limit" not in request.query_params else min(limit, total - offset)
            head = {"run": run, "pagination": {"offset": offset, "limit": wanted, "total": total}}
            return lines_answer(
                run_lines(
                    head, offset, wanted, total, lambda first, count: session_steps(found, place, first, count, shown)
                )
            )
        count = min(max(limit, 1), MOST_STEPS, total - offset)
        pagination = {"offset": offset, "limit": count, "total": total}
        told = session_steps(found, place, offset, count, shown)
        return json_answer({"run": run, "pagination": pagination, "steps": told})

    @api.get(
        "/sessions/{session}/runs/{run_id}/series",
        response_class=Response,
        responses={
            200: {
                "content": {FLOATS: {"schema": {"type": "string", "format": "binary"}}},
                "description": "float32, little-endian, [metrics, steps]; NaN unknown",
            }
        },
    )
    def all_steps(
        session: SessionId,
        run_id: RunId,
        metrics: Annotated[
            str,
            Query(
                min_length=1,
                max_length=MOST_TEXT,
                description=f"names of columns, by commas; beside them {', '.join(BESIDE)}",
            ),
        ],
    ) -> Response:
        """Columns of all steps of a run."""
        found = catalogue.open(session)
        place = found.run_place(run_id)
        return Response(series(found, place, metrics_of(found, metrics, BESIDE)).tobytes(), media_type=FLOATS)

    return api
