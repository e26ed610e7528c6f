"""`railyard filters`: what filters there are, what they find, and their caches made before a training run.

railyard filters                                      the filters, with their parameters and what they need
railyard filters experiment=board/rejection           all mixes of an experiment
railyard filters id=errors dataset=PACK annotation=SESSION filter=student_wrong_p1 cache_dir=FOLDER
railyard filters … dry_run=true                       what they find, and nothing is written

A filter finds rows of a whole pack. An experiment says which games are held out, so there the rows of the others are
counted as well: those that a run will draw from.
"""

from pathlib import Path
from typing import Any

from pydantic import Field

from railyard.board.training.filters.filter import Filter
from railyard.board.training.filters.registry import FILTERS, filter_of, shown
from railyard.board.training.rejection.config import MixId, sources_of
from railyard.core.config.component import Foreign, PathKnob
from railyard.core.config.faults import Fault, blamed_on
from railyard.core.errors import UserError
from railyard.core.training.experiment import Data, Experiment, Model
from railyard.core.verbs.verb import Job, Verb

BY_HAND = ("id", "dataset", "filter")
NEEDS_BY_CONDITION = "query"


class Filters(Experiment, Verb):
    """Lists filters, or runs those of an experiment, or one by hand."""

    # wider than the experiment's own, which a filter by hand has none of
    data: Data | Foreign | None = Field(  # type: ignore[assignment]
        None, description="experiment=NAME brings it, with its data.rejection"
    )
    model: Model | Foreign | None = Field(  # type: ignore[assignment]
        None, description="what the experiment says; not used here"
    )
    trainer: Foreign | None = Field(  # type: ignore[assignment]
        None, description="what the experiment says; not used here"
    )
    id: MixId | None = Field(None, description="what the cache of one filter is called")
    dataset: PathKnob | None = Field(None, description="the pack, or self-play pool, that one filter chooses from")
    annotation: PathKnob | None = Field(None, description="annotations of it; passthrough alone needs none")
    filter: str | dict[str, Any] | Filter | None = Field(
        None, description="a name, or '{name: top_k_disagreements, params: {k: 1000}}'"
    )
    cache_dir: PathKnob | None = Field(None, description="folder where the rows that it finds are kept")
    dry_run: bool = Field(False, description="tell what is found, keep nothing")

    def rules(self, job: Job) -> list[Fault]:
        if self.data is not None:
            return self._faults_of_experiment()
        given = [name for name in BY_HAND if getattr(self, name) is not None]
        if not given:
            return []
        missing = [Fault((name,), "a filter by hand needs it") for name in BY_HAND if name not in given]
        found = [*missing, *self._faults_of_filter()]
        if self.cache_dir is None and not self.dry_run:
            found.append(Fault(("cache_dir",), "nothing would be kept: name a folder, or say dry_run=true"))
        return found

    def _faults_of_experiment(self) -> list[Fault]:
        rejection = getattr(self.data, "rejection", None)
        if rejection is None:
            return [Fault(("data", "rejection"), "the experiment has none: there is no filter to run")]
        if given := [name for name in (*BY_HAND, "annotation", "cache_dir") if getattr(self, name) is not None]:
            return [Fault((given[0],), "is of a filter by hand; the mixes of an experiment say their own")]
        if rejection.cache_dir is None and not self.dry_run:
            message = "nothing would be kept: name a folder, or say dry_run=true"
            return [Fault(("data", "rejection", "cache_dir"), message)]
        return []

    def _faults_of_filter(self) -> list[Fault]:
        if self.filter is None:
            return []
        try:
            found = filter_of(self.filter)
        except UserError as fault:
            return [Fault(("filter",), str(fault))]
        if self.annotation is None and found.name != "passthrough":
            return [Fault(("annotation",), f"{shown(found)} reads annotations: railyard annotate makes them")]
        return []

    def plan(self, job: Job) -> str:
        if self.data is not None:
            where = "nothing is written" if self.dry_run else f"kept in {self.data.rejection.cache_dir}"  # type: ignore[union-attr]
            return f"railyard filters\n  the mixes of the experiment, {where}"
        if self.filter is None:
            return "railyard filters"
        where = "nothing is written" if self.dry_run else f"kept in {self.cache_dir}"
        return f"railyard filters\n  {self.id}: {self.filter} over {self.dataset}, {where}"

    def perform(self, job: Job) -> dict[str, Any]:
        if self.data is not None:
            return {"mixes": self._of_experiment()}
        if self.filter is None:
            return {"filters": [_listed(each) for each in FILTERS.values()]}
        assert self.id is not None
        assert self.dataset is not None
        found = filter_of(self.filter)
        return {
            "mixes": [_run(self.id, found, self.dataset, self.annotation, None if self.dry_run else self.cache_dir)]
        }

    def _of_experiment(self) -> list[dict[str, Any]]:
        from railyard.board.training.rejection.selecting import filter_named

        data: Any = self.data
        cache_dir = None if self.dry_run else data.rejection.cache_dir
        found = []
        for mix in sources_of(data.rejection.resolved()).values():
            with blamed_on("data", "rejection"):
                filter, dataset = filter_named(mix.filter), mix.dataset or data.pack
                found.append(_run(mix.id, filter, dataset, mix.annotation, cache_dir, data))
        return found

    def text(self, result: dict[str, Any]) -> str | None:
        if "filters" in result:
            return "\n\n".join(map(_told, result["filters"]))
        return "\n".join(line for mix in result["mixes"] for line in _lines(mix))


def _run(
    name: str, filter: Filter, dataset: Path, annotation: Path | None, cache_dir: Path | None, data: Any = None
) -> dict[str, Any]:
    """What a filter finds; `data` is that of an experiment, which holds games out."""
    from railyard.board.packs.pack import Pack
    from railyard.board.training.filters.source import open_pool
    from railyard.board.training.rejection.selecting import selected

    pool = open_pool(dataset)
    found = selected(name, filter, pool, annotation, cache_dir)
    kept = cache_dir is not None and not isinstance(found.rows, range)
    splits = data is not None and isinstance(pool, Pack)
    to_train_on = _of_training_games(pool, found.rows, data) if splits else None
    empty = []
    if not found.matched or to_train_on == 0:
        what = "rows of held-out games alone" if found.matched else "no row"
        empty.append(f"matched {what}: the mix would be empty")
    return {
        "id": name,
        "dataset": str(dataset),
        "annotation": annotation and str(annotation),
        "filter": shown(filter),
        "params": filter.model_dump(mode="json"),
        "rows": found.pack_rows,
        "matched": found.matched,
        "coverage": found.coverage,
        "train_rows": to_train_on,
        "first": int(found.rows[0]) if found.matched else None,
        "last": int(found.rows[-1]) if found.matched else None,
        "cache": f"{cache_dir}/{name}.npy" if kept else None,
        "warnings": [*found.warnings, *empty],
    }


def _of_training_games(pack: Any, rows: Any, data: Any) -> int:
    """How many of these rows of a pack are of games that are not held out."""
    from railyard.board.training.split import SelectedRows, Split

    split = Split.of(pack.runs.steps, data.validation_fraction, data.split_seed)
    return len(SelectedRows(pack.runs.starts, split.train, rows))


def _lines(mix: dict[str, Any]) -> list[str]:
    share = f"{mix['filter']} matched {100 * mix['coverage']:.1f} %"
    told = f"{mix['id']}: {share}, {mix['matched']:,} of {mix['rows']:,} rows of {mix['dataset']}"
    span = f" ({mix['first']:,} to {mix['last']:,})" if mix["matched"] else ""
    span += "" if mix["train_rows"] is None else f", {mix['train_rows']:,} of them to train on"
    kept = f", kept in {mix['cache']}" if mix["cache"] else ""
    return [f"{told}{span}{kept}", *(f"  warning: {text}" for text in mix["warnings"])]


def _listed(cls: type[Filter]) -> dict[str, Any]:
    params = {
        name: {"type": getattr(field.annotation, "__name__", str(field.annotation)), "description": field.description}
        for name, field in cls.model_fields.items()
    }
    does = " ".join((cls.__doc__ or "").partition("\n\n")[0].split())
    return {"name": cls.name, "aliases": list(cls.aliases), "does": does, "params": params, "needs": list(cls.needs)}


def _told(one: dict[str, Any]) -> str:
    also = f" (also {', '.join(one['aliases'])})" if one["aliases"] else ""
    params = [f"  {name} ({facts['type']}): {facts['description']}" for name, facts in one["params"].items()]
    needs = f"  needs {', '.join(one['needs'])}" if one["needs"] else "  needs nothing"
    if one["name"] == NEEDS_BY_CONDITION:
        needs = "  needs columns.<name> for each column that a condition names"
    return "\n".join([f"{one['name']}{also}", f"  {one['does']}", *params, needs])
