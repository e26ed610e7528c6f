"""What a training run will do, from headers and metadata alone: counts, parameters, steps, memory, warnings.

No torch is imported, so `validate_config=true` answers within seconds.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from railyard.board.model.config import CELLS, Encoder, parameter_count
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.tokens.registry import load_labels
from railyard.board.tokens.tokenizer import Labels
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.objectives import BoardObjective
from railyard.board.training.split import Split
from railyard.board.training.starting import check_init
from railyard.board.training.value_labels import games_of
from railyard.core.config.faults import Fault, FaultyConfig, blamed_on
from railyard.core.training.devices import ranks
from railyard.core.training.experiment import Experiment, epochs_of, total_steps
from railyard.core.training.trainer_values import refuse_beyond_epoch

if TYPE_CHECKING:
    from railyard.board.training.rejection.mixes import Mixes

# float32 weight, gradient and AdamW's two moments
BYTES_PER_PARAMETER = 16
# floats that autograd keeps of one layer for each token, counted by saved-tensor hooks at widths 96 to 512 with
# dropout: 12 a unit of the residual stream and 4 a unit inside SwiGLU
KEPT_PER_HIDDEN, KEPT_PER_INTERMEDIATE = 12, 4


def lines(experiment: Experiment) -> list[str]:
    """The plan as lines. FaultyConfig for a pack or tokenizer that cannot be used."""
    data = experiment.data
    if not isinstance(data, PackData):
        return []
    with blamed_on("data", "pack"):
        pack = Pack.open(data.pack)
        split = Split.of(pack.runs.steps, data.validation_fraction, data.split_seed)
    found = _data_lines(data, pack, split)
    chosen = _chosen(experiment, data, pack, split)
    found += chosen.lines
    if isinstance(experiment.model, BoardModel):
        found += _model_lines(experiment, data, experiment.model, chosen)
    return [f"  {name:<11}{text}" for name, text in found]


def _data_lines(data: PackData, pack: Pack, split: Split) -> list[tuple[str, str]]:
    held = int(pack.runs.steps[split.validation].sum())
    sides = f"{len(pack) - held:,} to train on, {held:,} held out ({len(split.validation)} runs)"
    return [("data", f"{data.pack}: {len(pack):,} rows in {len(pack.runs.id)} runs; {sides}")]


@dataclass(frozen=True)
class Chosen:
    """The rows of a run: packs that they come from, first data.pack; batches of an epoch; lines and warnings."""

    packs: tuple[Pack, ...]
    batches: int | Callable[[int], int]
    lines: list[tuple[str, str]]
    warnings: list[str]
    mixes: "Mixes | None" = None


def _chosen(experiment: Experiment, data: PackData, pack: Pack, split: Split) -> Chosen:
    count = ranks(experiment.trainer.kwargs)
    if data.rejection is None:
        train_rows = int(pack.runs.steps[split.train].sum())
        batches = train_rows // (data.batch_size * count)
        if batches == 0 and isinstance(experiment.model, BoardModel):
            on_ranks = f" on {count} ranks" if count > 1 else ""
            message = (
                f"data.batch_size={data.batch_size}{on_ranks} is larger than the {train_rows} rows to train on: "
                "lower it"
            )
            raise FaultyConfig(Fault(("data", "batch_size"), message))
        return Chosen((pack,), batches, [], [])
    from railyard.board.training.rejection.mixes import open_mixes, refuse_impossible
    from railyard.board.training.rejection.planned import planned, warnings_of

    mixes = open_mixes(data, pack, split)
    shares = mixes.shares(data.batch_size * count)
    refuse_impossible(mixes, shares)
    epochs, cut = epochs_of(experiment.trainer, shares.batches)
    _refuse_empty_epochs([cut(phase.first_epoch) for phase in mixes.phases])
    _refuse_rare_validation(experiment, min(map(cut, range(epochs))))
    packs = {id(one.pack): one.pack for one in mixes.mixes} | {id(pack): pack}
    others = [other for other in packs.values() if other is not pack]
    lines = planned(mixes, shares, epochs, cut)
    return Chosen((pack, *others), shares.batches, lines, warnings_of(mixes, shares, pack), mixes)


def _refuse_empty_epochs(batches: list[int]) -> None:
    """An epoch that a limit leaves nothing of would end the run."""
    if 0 in batches:
        message = f"leaves no batch of the epochs of phase {batches.index(0) + 1}: raise it"
        raise FaultyConfig(Fault(("trainer", "limit_train_batches"), message))


def _refuse_rare_validation(experiment: Experiment, shortest: int) -> None:
    """Lightning refuses this of the first epoch alone, and of a resume in a shorter one."""
    keys = experiment.trainer.kwargs
    every, by_epoch = keys.get("val_check_interval"), keys.get("check_val_every_n_epoch", 1) is not None
    if isinstance(every, int) and by_epoch and every > shortest:
        message = f"{every} batches are more than the {shortest} of the shortest epoch: lower it"
        raise FaultyConfig(Fault(("trainer", "val_check_interval"), message))


def _model_lines(experiment: Experiment, data: PackData, model: BoardModel, chosen: Chosen) -> list[tuple[str, str]]:
    pack = chosen.packs[0]
    with blamed_on("data", "tokenizer"):
        labels = load_labels(data.tokenizer)
        if isinstance(experiment.objective, BoardObjective):
            experiment.objective.check(labels)
    with blamed_on("model", "encoder", "output_n_bins"):
        encoder = model.network(labels.num_classes)
    for each in chosen.packs:
        _refuse_small_vocabulary(each, encoder.input_vocab_size)
    if chosen.mixes is not None:
        from railyard.board.training.rejection.mixes import refuse_misfit_labels

        refuse_misfit_labels(chosen.mixes, labels)
    if model.init is not None:
        with blamed_on("model", "init"):
            check_init(model.init, encoder, labels)
    count = ranks(experiment.trainer.kwargs)
    if isinstance(chosen.batches, int):
        refuse_beyond_epoch(experiment.trainer, chosen.batches)
    parameters = parameter_count(encoder)
    steps = total_steps(experiment.trainer, chosen.batches)
    an_epoch = f"; {chosen.batches:,} batches an epoch" if isinstance(chosen.batches, int) else ""
    need = parameters * BYTES_PER_PARAMETER + _activation_bytes(encoder, data.batch_size)
    lines = [
        ("labels", f"{data.tokenizer}: {labels.num_classes} classes a head" if data.tokenizer else "the move played"),
        ("model", f"{parameters:,} parameters{f', from {model.init}' if model.init else ''}"),
        ("steps", f"{steps:,} of {_rows_a_step(experiment, data, model)} rows{an_epoch}"),
        ("memory", f"about {need / 2**20:,.0f} MiB for weights, optimizer and activations{' of a rank' * (count > 1)}"),
        *[("value head", f"{name}: {outcome.sentence()}") for name, outcome in model.value_heads.items()],
        *([("ranks", f"{count} processes of {data.batch_size:,} rows a micro-batch each")] if count > 1 else []),
    ]
    warnings = [*chosen.warnings, *_warnings(experiment, data, labels, pack, need), *_constant_values(model, pack)]
    return lines + [("warning", text) for text in warnings]


def _constant_values(model: BoardModel, pack: Pack) -> list[str]:
    """Value heads that can only learn a constant."""
    if not model.value_heads:
        return []
    games = games_of(pack)
    kinds = {name: outcome.labels(games).kinds(games.steps_R) for name, outcome in model.value_heads.items()}
    answers = {name: "no" if 0 in found else "yes" if found else "unknown" for name, found in kinds.items()}
    return [
        f"value head {name} learns a constant: {model.value_heads[name].sentence()} is {answers[name]} in all rows"
        for name, found in kinds.items()
        if len(found) < 2
    ]


def _activation_bytes(encoder: Encoder, batch_size: int) -> int:
    """What a forward pass in float32 keeps for the backward pass."""
    kept = KEPT_PER_HIDDEN * encoder.hidden_size + KEPT_PER_INTERMEDIATE * encoder.intermediate_size
    return 4 * batch_size * CELLS * encoder.num_hidden_layers * kept


def _rows_a_step(experiment: Experiment, data: PackData, model: BoardModel) -> str:
    keys = experiment.trainer.kwargs
    rows = data.batch_size * ranks(keys) * int(keys.get("accumulate_grad_batches") or 1)
    return f"{rows:,} to {4 * rows:,}" if model.schedule.grows else f"{rows:,}"


def _refuse_small_vocabulary(pack: Pack, vocabulary: int) -> None:
    exponent = min(int(pack.runs.highest_tile.max()).bit_length() - 1, 16)
    if exponent >= vocabulary:
        known = f"model.encoder.input_vocab_size={vocabulary} knows tiles up to {2 ** (vocabulary - 1)}"
        message = f"{known}, the pack holds {2**exponent}: set it to 18"
        raise FaultyConfig(Fault(("model", "encoder", "input_vocab_size"), message))


def _warnings(experiment: Experiment, data: PackData, labels: Labels, pack: Pack, need: float) -> list[str]:
    found = []
    if getattr(labels, "illegal_policy", None) == "last_bin":
        found.append("this tokenizer puts illegal branches of tuple rows into the last bin, as the reference did")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if experiment.trainer.kwargs.get("accelerator") == "cpu" and need > 0.8 * total:
        found.append(f"that is close to this machine's {total / 2**30:.0f} GiB: lower data.batch_size")
    size = len(pack) * STEP.itemsize
    if data.shuffle and data.order is None and size > total:
        found.append(
            f"the pack has {size / 2**30:,.0f} GiB, this machine {total / 2**30:,.0f} GiB of memory: with a full "
            "shuffle nearly every row waits for the disk; set "
            "data.order._target_=railyard.core.training.shuffling.Windowed"
        )
    if len(pack.runs.id) < 20:
        found.append(f"{len(pack.runs.id)} runs are few: figures on held-out runs will vary with data.split_seed")
    return found
