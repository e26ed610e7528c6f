"""`railyard runs`: run folders listed, filtered and compared."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from railyard.core.config.component import PathKnob, Verb
from railyard.core.runs.catalog import compare, listing
from railyard.core.runs.catalog.lookup import run_folder
from railyard.core.verbs.launch import Job

VERBATIM = ("where", "compare", "columns", "sort")


class Runs(Verb):
    """The root of runs.yaml."""

    root: PathKnob = Field(Path("outputs"), description="the folder to look for runs in, with all below it")
    where: str | None = Field(
        None,
        description="conditions joined by commas or `and`: experiment=board/quickstart, seed=3, val/loss<5, tag=x; "
        "keys are those of the list, of the config, and names of metrics; operators = != < <= > >= ~ (contains)",
    )
    sort: str = Field("-when", description="a key; with - the largest first")
    limit: Annotated[int, Field(ge=1)] | None = Field(30, description="how many rows; null: all")
    columns: list[str] = Field(
        ["name", "verb", "experiment", "when", "state", "steps", "best", "tags"],
        description="keys to show: of the list, of the config (model.optimizer.lr), or metrics (val/loss)",
    )
    trials: bool = Field(False, description="list the runs of a sweep one by one; else a sweep is one row")
    compare: list[str] | None = Field(
        None, description="two or more runs, by path, by the beginning of their name, or by their short id"
    )
    out: PathKnob | None = Field(None, description="with compare=: a folder for tables and plots")

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if self.compare is not None and len(self.compare) < 2:
            raise ValueError("compare= takes two runs or more")
        if self.out is not None and self.compare is None:
            raise ValueError("out= goes with compare=[RUN,RUN]")
        return self


ROOT = Runs


def plan(job: Job) -> str:
    return f"railyard runs  {job.root.root}"


def run(job: Job) -> dict[str, Any]:
    return _compared(job.root) if job.root.compare else _listed(job.root)


def _compared(call: Runs) -> dict[str, Any]:
    folders = [run_folder(name, call.root) for name in call.compare or []]
    found = compare.compare(folders)
    return {**found, "plots": compare.save(found, folders, call.out)} if call.out else found


def _listed(call: Runs) -> dict[str, Any]:
    rows = listing.listed(call.root, call.where, call.sort, call.columns, call.trials, full=call.json_)
    return {"found": len(rows), "columns": call.columns, "runs": rows[: call.limit]}


def text(result: dict[str, Any]) -> str:
    """Tables, and how many runs the limit leaves out."""
    if "found" not in result:
        return compare.as_text(result)
    left = result["found"] - len(result["runs"])
    more = [f"{left} more; limit=null shows them"] if left else []
    return "\n".join([listing.as_text(result["runs"], result["columns"]), *more, ""])
