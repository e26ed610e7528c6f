"""`railyard runs`: run folders listed, filtered and compared."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from railyard.core.config.component import PathKnob
from railyard.core.runs.catalog import compare, listing
from railyard.core.runs.catalog.lookup import run_folder
from railyard.core.verbs.verb import Job, Verb


class Runs(Verb):
    """The root of runs.yaml."""

    verbatim = ("where", "compare", "columns", "sort")

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

    def plan(self, job: Job) -> str:
        return f"railyard runs  {self.root}"

    def perform(self, job: Job) -> dict[str, Any]:
        return self._compared(self.compare) if self.compare else self._listed()

    def _compared(self, names: list[str]) -> dict[str, Any]:
        folders = [run_folder(name, self.root) for name in names]
        found = compare.compare(folders)
        return {**found, "plots": compare.save(found, folders, self.out)} if self.out else found

    def _listed(self) -> dict[str, Any]:
        rows = listing.listed(self.root, self.where, self.sort, self.columns, self.trials, full=self.json_)
        return {"found": len(rows), "columns": self.columns, "runs": rows[: self.limit]}

    def text(self, result: dict[str, Any]) -> str:
        """Tables, and how many runs the limit leaves out."""
        if "found" not in result:
            return compare.as_text(result)
        left = result["found"] - len(result["runs"])
        more = [f"{left} more; limit=null shows them"] if left else []
        return "\n".join([listing.as_text(result["runs"], result["columns"]), *more, ""])
