"""A model against its teacher on whole held-out games: over all rows, by valuation type and by highest tile.

Takes an init folder and rows of a pack; gives a table of figures that add up from sums.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from torch import Tensor

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.init_folder import read_init
from railyard.board.packs.pack import Pack
from railyard.board.tokens.registry import labels_of
from railyard.board.tokens.tokenizer import Labels
from railyard.board.training.batch import Batch
from railyard.board.training.config import BoardEvaluation, PackData
from railyard.board.training.data import PackRows
from railyard.board.training.objectives import BoardObjective
from railyard.board.training.outcomes import Outcome
from railyard.board.training.split import Rows, Split
from railyard.board.training.value_figures import ValueFigures, ValueSums
from railyard.core.config.check import check_part
from railyard.core.config.conf_folders import bundled
from railyard.core.errors import UserError
from railyard.core.progress import counting
from railyard.core.training.devices import pick
from railyard.core.training.loading import BatchOrder, OrderedLoader

log = logging.getLogger(__name__)

RANKS = 18  # exponents 0 to 17


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model on some rows; `by_*` map a group's name to its rows and metrics."""

    rows: int
    games: int
    metrics: dict[str, float]
    by_valuation: dict[str, dict[str, float]]
    by_highest_tile: dict[str, dict[str, float]]
    value_heads: Mapping[str, ValueFigures] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        found = dict(vars(self))
        heads = {name: figures.as_dict() for name, figures in found.pop("value_heads").items()}
        return {**found, "value_heads": heads} if heads else found


def evaluate(
    init: Path,
    data: PackData,
    objective: BoardObjective | None,
    how: BoardEvaluation,
    outcomes: Mapping[str, Outcome] | None = None,
) -> Evaluation:
    """Score the model of an init folder on one side of a pack's split, or on all of it.

    Without an objective it is the one that the model's head and tokenizer were made for. Value heads that `outcomes`
    does not tell what they learned have no figures.
    """
    encoder, tokenizer_json = read_init(init)
    labels = _labels(init, encoder, tokenizer_json)
    objective = objective or objective_for(encoder.config, labels)
    pack = Pack.open(data.pack)
    runs = _runs(pack, data, how.split)
    known = _outcomes(init, encoder.config, outcomes or {})
    source = PackRows(pack, labels, Rows(pack.runs.starts, runs), outcomes=known)
    rows = min(len(source), how.limit_rows or len(source))
    loader = OrderedLoader(source, BatchOrder(rows, how.batch_size, shuffle=False, drop_last=False))
    table = _GroupSums(len(pack.valuation_names), objective, known)
    device = pick(how.device)
    encoder = encoder.eval().to(device)
    with counting("evaluate", "rows") as tick:
        for done, batch in enumerate(loader, 1):
            table.score(encoder, Batch(*(part.to(device) for part in batch)))
            tick(min(done * how.batch_size, rows), rows)
    games = int((pack.runs.starts[runs + 1] - pack.runs.starts[runs]).cumsum().searchsorted(rows)) + 1
    return table.result(rows, games, pack.valuation_names)


def objective_for(encoder: Encoder, labels: Labels) -> BoardObjective:
    """The objective that a model was made for: the option whose heads and labels are the model's."""
    for file in sorted((bundled("conf") / "objective").glob("board_*.yaml")):
        objective, _ = check_part(yaml.safe_load(file.read_bytes()), [], "objective")
        if objective.misfit(encoder) is None and objective.accepts(labels):
            return cast(BoardObjective, objective)
    raise AssertionError(f"no objective has {encoder.head_type} heads and labels of {labels.kind}")


def _labels(init: Path, encoder: BoardEncoder, tokenizer_json: Any) -> Labels:
    config = encoder.config
    if config.head_type == "binned_ev" and config.output_n_bins != 1 and tokenizer_json is None:
        raise UserError(f"{init} holds no tokenizer.json, so its classes have no meaning; add the one it was made for")
    return labels_of(tokenizer_json)


def _outcomes(init: Path, encoder: Encoder, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """What the encoder's value heads learned, in their order."""
    names = [head.name for head in encoder.value_heads]
    if unknown := [name for name in names if name not in outcomes]:
        log.warning(
            "value heads without figures: %s; %s does not say what they learn, the run that wrote it does: give run=",
            ", ".join(unknown),
            init,
        )
    return {name: outcomes[name] for name in names if name in outcomes}


def _runs(pack: Pack, data: PackData, split: str) -> Any:
    if split == "all":
        return pack.runs.steps.nonzero()[0]
    sides = Split.of(pack.runs.steps, data.validation_fraction, data.split_seed)
    return sides.train if split == "train" else sides.validation


class _GroupSums:
    """Sums of row figures for each pair of valuation type and highest exponent: every table follows from it."""

    def __init__(self, valuations: int, objective: BoardObjective, outcomes: Mapping[str, Outcome]) -> None:
        self.objective = objective
        self.values = {name: ValueSums(outcome, RANKS) for name, outcome in outcomes.items()}
        self.rows = torch.zeros(valuations, RANKS, dtype=torch.float64)
        self.sums: dict[str, Tensor] = {}

    @torch.inference_mode()
    def score(self, encoder: BoardEncoder, batch: Batch[Tensor]) -> None:
        """Adds the figures of a batch, which lies where the encoder does."""
        outputs = encoder(batch.tokens)
        self._add(self.objective.row_scores(outputs.heads, batch.targets, batch.moves, batch.legal), batch)
        for labels_B, (name, sums) in zip(batch.values.unbind(dim=1), self.values.items(), strict=True):
            sums.add(outputs.values[name].squeeze(1), labels_B, batch.max_rank)

    def _add(self, scores: Mapping[str, Tensor], batch: Batch[Tensor]) -> None:
        group = (batch.valuation.long() * RANKS + batch.max_rank.long().clamp(max=RANKS - 1)).cpu()
        self.rows.view(-1).index_add_(0, group, torch.ones(len(group), dtype=torch.float64))
        for name, value in scores.items():
            total = self.sums.setdefault(name, torch.zeros_like(self.rows))
            total.view(-1).index_add_(0, group, value.double().cpu())

    def result(self, rows: int, games: int, names: tuple[str, ...]) -> Evaluation:
        return Evaluation(
            rows=rows,
            games=games,
            metrics=self._metrics(slice(None), slice(None)),
            by_valuation={name: self._group(i, slice(None)) for i, name in enumerate(names) if self.rows[i].sum()},
            by_highest_tile={
                str(2**rank): self._group(slice(None), rank) for rank in range(RANKS) if self.rows[:, rank].sum()
            },
            value_heads={name: sums.figures() for name, sums in self.values.items()},
        )

    def _group(self, valuation: Any, rank: Any) -> dict[str, float]:
        return {"rows": int(self.rows[valuation, rank].sum()), **self._metrics(valuation, rank)}

    def _metrics(self, valuation: Any, rank: Any) -> dict[str, float]:
        sums = {name: float(total[valuation, rank].sum()) for name, total in self.sums.items()}
        return self.objective.metrics(sums, float(self.rows[valuation, rank].sum()))
