"""`/sessions/{s}/steps/search`, `/compare/{t}` and `/export`: rows that meet conditions, and what two models make of
them."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from railyard.board.review.answers import json_answer
from railyard.board.review.compare import GROUPS, Comparison, compare, sieves
from railyard.board.review.export import MEDIA_TYPES, Format, export
from railyard.board.review.limits import MOST_EXPORTED, MOST_HITS, MOST_TEXT
from railyard.board.review.routers.sessions import SessionId
from railyard.board.review.search import Hits, search, searchable
from railyard.board.review.search import Query as Question
from railyard.core.store.scanning import Sieve

if TYPE_CHECKING:
    from railyard.board.review.app import Reviewer
    from railyard.board.review.open_session import OpenSession

WHERE = "conditions over columns and facts of runs, all of which hold: `disagreement=1, entropy>0.9, score>=100000`"
Where = Annotated[str | None, Query(max_length=MOST_TEXT, description=WHERE)]
Sort = Annotated[
    str | None,
    Query(max_length=256, description="a column: its largest values first, with `_asc` behind it the smallest"),
]
Cursor = Annotated[str | None, Query(max_length=256, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=0, lt=2**63, description=f"cut to 1 to {MOST_HITS}")]
Metric = Annotated[str | None, Query(max_length=256, description="a column; with `min` and `max` one more condition")]
Bound = Annotated[float | None, Query(description="of `metric`")]
Group = Annotated[str, Query(max_length=64, description=", ".join(GROUPS))]
Other = Annotated[str, Path(min_length=1, max_length=512, description="id of the second session")]


class Hit(BaseModel):
    row: int = Field(description="of the pool")
    run_id: int
    step_index: int = Field(description="as the row says it")


class SearchHits(BaseModel):
    hits: list[Hit] = Field(description="in row order, or the best by `sort` first")
    total: int = Field(description="rows that meet the conditions, on all pages")
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class Groups(BaseModel):
    fixed: int = Field(description="the first model is wrong, the second right")
    broken: int = Field(description="the first is right, the second wrong")
    right: int = Field(description="both are")
    wrong: int = Field(description="both are")
    unknown: int = Field(description="no move is known to compare with")


class Divergence(BaseModel):
    of: str = Field(description="bins where both sessions have them by one tokenizer, else policies")
    mean: float | None = Field(description="KL(first || second) in nats, mean over rows; of bins over heads, too")
    rows: int = Field(description="that it is a mean over: at even distances where there are more")


class Two(BaseModel):
    first: Any
    second: Any


class Compared(BaseModel):
    rows: int = Field(description="that both sessions have")
    groups: Groups
    divergence: Divergence | None = Field(description="null where the sessions hold nothing of the kind")
    provenance: dict[str, Two] = Field(description="what differs, by name")


class Column(BaseModel):
    name: str = Field(description="as conditions and sorts have it")
    percentiles: list[float | None] | None = Field(
        description="the 1st to the 99th; null of what is no column of the session"
    )


class Columns(BaseModel):
    columns: list[Column]
    valuations: list[str] = Field(description="words of `valuation`; empty in self-play")


def router(reviewer: "Reviewer") -> APIRouter:
    api = APIRouter(tags=["search"])
    catalogue = reviewer.catalogue

    @api.get("/sessions/{session}/columns", response_model=Columns)
    def columns(session: SessionId) -> Response:
        """What conditions may be about, with percentiles."""
        opened = catalogue.open(session)
        found = [{"name": name, "percentiles": opened.quantiles.get(name)} for name in searchable(opened).names]
        return json_answer({"columns": found, "valuations": list(opened.pool.valuation_names)})

    @api.get("/sessions/{session}/steps/search", response_model=SearchHits)
    def found(
        session: SessionId,
        where: Where = None,
        sort: Sort = None,
        cursor: Cursor = None,
        limit: Limit = 100,
        metric: Metric = None,
        min: Bound = None,
        max: Bound = None,
    ) -> Response:
        """Steps that meet conditions, page by page. A cursor stays valid while rows are added."""
        question = Question(where, metric, min, max, sort)
        return _hits(catalogue.open(session), question, limit, cursor)

    @api.get("/sessions/{session}/compare/{other}", response_model=Compared)
    def compared(session: SessionId, other: Other) -> Response:
        """What a second model over the same pool sets right and spoils, and how far the two are apart."""
        return json_answer(_told(compare(catalogue.open(session), catalogue.open(other))))

    @api.get("/sessions/{session}/compare/{other}/steps", response_model=SearchHits)
    def of_group(
        session: SessionId,
        other: Other,
        group: Group,
        where: Where = None,
        sort: Sort = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """The steps of one group; conditions and sort are over columns of the first session."""
        one = catalogue.open(session)
        # the question holds the group and the other session: cursors belong to them
        question = Question(where, sort=sort, among=f"{other} {group}")
        return _hits(one, question, limit, cursor, sieves(one, catalogue.open(other), group))

    @api.get("/sessions/{session}/export", response_class=StreamingResponse, responses=_FILES)
    def exported(
        session: SessionId,
        where: Where = None,
        format: Annotated[Format, Query(description="csv, jsonl (a line a step) or npz")] = "csv",
        columns: Annotated[
            str | None,
            Query(max_length=MOST_TEXT, description="names, joined by commas; by default all of the session"),
        ] = None,
        metric: Metric = None,
        min: Bound = None,
        max: Bound = None,
    ) -> Response:
        """Steps that meet conditions as a file, at most a million. A file that was cut says so at its end."""
        names = [name.strip() for name in columns.split(",") if name.strip()] if columns else None
        question = Question(where, metric, min, max)
        file = export(searchable(catalogue.open(session)), question, format, names)
        headers = {
            "content-disposition": f'attachment; filename="steps.{format}"',
            "x-railyard-rows": str(file.rows),
            "x-railyard-total": str(file.total),
            "x-railyard-cut": "true" if file.rows < file.total else "false",
        }
        return StreamingResponse(file.pieces, media_type=MEDIA_TYPES[format], headers=headers)

    return api


_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"at most {MOST_EXPORTED:,} rows; x-railyard-rows, x-railyard-total and x-railyard-cut say how "
        "many, of how many, and whether it was cut",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()},
    }
}


def _hits(
    session: "OpenSession", question: Question, limit: int, cursor: str | None, among: "list[Sieve] | None" = None
) -> Response:
    facts = searchable(session)
    page: Hits = search(facts, question, limit, cursor, among or ())
    columns = [facts.read(name, page.rows).tolist() for name in ("row", "run_id", "step_index")]
    hits = [dict(zip(("row", "run_id", "step_index"), hit, strict=True)) for hit in zip(*columns, strict=True)]
    return json_answer({"hits": hits, "total": page.total, "next": page.next})


def _told(found: Comparison) -> dict[str, Any]:
    divergence = None if found.divergence is None else found.divergence._asdict()
    provenance = {name: {"first": one, "second": two} for name, (one, two) in found.provenance.items()}
    groups = {**found.groups, "unknown": found.unknown}
    return {"rows": found.rows, "groups": groups, "divergence": divergence, "provenance": provenance}
