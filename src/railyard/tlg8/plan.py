"""What training a ranker will do, from headers alone and without torch: blocks, inputs, parameters, steps, warnings."""

from railyard.core.config.faults import blamed_on
from railyard.core.training.devices import ranks
from railyard.core.training.experiment import Experiment, total_steps
from railyard.core.training.trainer_values import refuse_beyond_epoch
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.artifacts.splits import batches_to_train_on
from railyard.tlg8.training.config import BlockData, RankerModel
from railyard.tlg8.training.objectives import RankerObjective


def lines(experiment: Experiment) -> list[str]:
    """The plan as lines. FaultyConfig for a pack that cannot be used."""
    data = experiment.data
    if not isinstance(data, BlockData):
        return []
    with blamed_on("data", "pack"):
        packs = [Pack.open(path) for path in data.packs]
    blocks = sum(len(pack.labels_N) for pack in packs)
    names = ", ".join(str(path) for path in data.packs)
    found = [
        (
            "data",
            f"{names}: {blocks:,} blocks of {sum(len(pack.index) for pack in packs)} images, split by {data.split}",
        ),
        ("features", f"{data.features.inputs} inputs, {data.features.price}, {data.features.fingerprint()}"),
    ]
    if isinstance(experiment.model, RankerModel) and isinstance(experiment.objective, RankerObjective):
        found += _model_lines(experiment, data, experiment.model, experiment.objective, blocks)
    if data.features.is_leaky:
        found.append(("warning", "the features hold the answer: the result is marked leaky, and no encoder takes it"))
    if any(pack.blocks_N is None for pack in packs):
        found.append(("warning", "a pack without blocks.npy has no contexts: regret of its blocks cannot be told"))
    return [f"  {name:<11}{text}" for name, text in found]


def _model_lines(
    experiment: Experiment, data: BlockData, model: RankerModel, objective: RankerObjective, blocks: int
) -> list[tuple[str, str]]:
    rows = data.batch_size * ranks(experiment.trainer.kwargs)
    with blamed_on("data", "batch_size"):
        batches = batches_to_train_on(blocks, data.fraction, rows)
    refuse_beyond_epoch(experiment.trainer, batches)
    parameters = sum(model.parameters(data.features.inputs, objective.reranked is not None).values())
    gates = " or ".join(f"hit@{gate.k} of {100 * gate.rate:.0f} %" for gate in objective.gates) or "none"
    return [
        ("mode", f"{objective.mode}, gate: {gates}"),
        ("model", f"{parameters:,} parameters"),
        ("steps", f"at most {total_steps(experiment.trainer, batches):,} of {rows:,} blocks"),
    ]
