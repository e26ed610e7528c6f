"""What a training run will do, from headers and shapes alone: scenes, parameters, steps, memory.

No torch is imported, so `validate_config=true` answers within seconds. A model of the hub that is not on this machine
yet is not downloaded for it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core.config.faults import blamed_on
from railyard.core.errors import UserError
from railyard.core.training.devices import ranks
from railyard.core.training.experiment import Experiment, total_steps
from railyard.stage2.language.tokenizer import SPECIALS
from railyard.stage2.model import shape
from railyard.stage2.model.config import Folder, Hub, Lora, Network, Random
from railyard.stage2.model.files import CONFIG, check
from railyard.stage2.scenes.coordinates import BINS
from railyard.stage2.scenes.indexing import Records
from railyard.stage2.scenes.resize import FACTOR
from railyard.stage2.training.config import SceneData
from railyard.stage2.training.model_config import DetectorModel

BYTES = {"float32": 4, "bfloat16": 2}
ADAM = 12  # bytes of a trained parameter beside itself: gradient and two moments in float32
KEPT_PER_HIDDEN, KEPT_PER_INNER = 14, 4  # numbers of a text layer that autograd keeps, for each token
TOKENS_PER_OBJECT = 30  # of a tokenizer that knows the descriptions
PROMPT_TOKENS = 200

Line = tuple[str, str]


def lines(experiment: Experiment) -> list[str]:
    """The plan as lines. FaultyConfig for scenes or weights that cannot be used."""
    data, model = experiment.data, experiment.model
    if not isinstance(data, SceneData) or not isinstance(model, DetectorModel):
        return []
    with blamed_on("data", "scenes"):
        scenes = Records.open(data.scenes, data.space)
    held_out = None
    if data.validation is not None:
        with blamed_on("data", "validation"):
            held_out = Records.open(data.validation, data.space)
    found = [_data_line(data, scenes, held_out), *_model_lines(data, model, scenes), _steps_line(experiment, scenes)]
    return [f"  {name:<11}{text}" for name, text in found]


def train_scenes(data: SceneData, scenes: int) -> int:
    """Scenes of a file that are trained on."""
    if data.validation is not None:
        return scenes
    return scenes - min(max(1, round(scenes * data.validation_fraction)), scenes - 1)


def _data_line(data: SceneData, scenes: Records, held_out: Records | None) -> Line:
    trained = train_scenes(data, len(scenes))
    held = len(scenes) - trained if held_out is None else len(held_out)
    objects = int(scenes.rows_N["objects"].sum())
    return "data", f"{data.scenes}: {trained:,} scenes to train on, {held:,} held out; {objects:,} objects"


def _steps_line(experiment: Experiment, scenes: Records) -> Line:
    data, keys = experiment.data, experiment.trainer.kwargs
    assert isinstance(data, SceneData)
    count, accumulated = ranks(keys), int(keys.get("accumulate_grad_batches") or 1)
    batches = -(-train_scenes(data, len(scenes)) // (data.batch_size * count))
    steps = total_steps(experiment.trainer, -(-batches // accumulated) * accumulated)
    return "steps", f"{steps:,} of {data.batch_size * count * accumulated:,} scenes; {batches:,} batches an epoch"


def _model_lines(data: SceneData, model: DetectorModel, scenes: Records) -> list[Line]:
    network = model.network
    with blamed_on("model", "network", "weights"):
        config = config_of(network)
    if config is None:
        return [("model", "downloaded from the hub before the first step; its size is not known yet")]
    total, trained = counts(network, config)
    weights = total * BYTES[network.dtype] + trained * ADAM
    activations = _activations(network, config, data, scenes)
    return [
        ("model", f"{total:,} parameters, of which {trained:,} are trained{_source(network)}"),
        ("memory", f"about {(weights + activations) / 2**20:,.0f} MiB for weights, optimizer and activations"),
    ]


def config_of(network: Network) -> Mapping[str, Any] | None:
    """The network's config as transformers has it; None where it is still on the hub."""
    weights = network.weights
    if isinstance(weights, Random):
        rows = weights.entries + len(SPECIALS) + BINS
        return shape.fields(weights, rows, dict.fromkeys(SPECIALS, 0))
    assert isinstance(weights, Folder | Hub)
    folder = weights.folder if isinstance(weights, Folder) else _downloaded(weights)
    return None if folder is None else check(folder)


def _downloaded(weights: Hub) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(weights.name, CONFIG, revision=weights.revision)
    return Path(path).parent if isinstance(path, str) else None


def counts(network: Network, config: Mapping[str, Any]) -> tuple[int, int]:
    """Parameters, and those that are trained. UserError where none is."""
    parts = shape.parameters(config)
    text = config["text_config"]
    tied = config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))
    rows = BINS * text["hidden_size"] * (1 if tied else 2)
    changed = {**parts, "coordinates": rows}
    if isinstance(network.tuning, Lora):
        changed = {**_adapters(network.tuning, config), "coordinates": rows}
    trained = {part: count for part, count in changed.items() if getattr(network.rates, part) > 0}
    if not trained:
        raise UserError("model.network.rates are all 0: nothing would be trained; set one above 0")
    added = sum(trained.values()) - trained.get("coordinates", 0) if isinstance(network.tuning, Lora) else 0
    return sum(parts.values()) + rows + added, sum(trained.values())


def _adapters(lora: Lora, config: Mapping[str, Any]) -> dict[str, int]:
    """Parameters of the adapters of each part."""
    return {
        part: sum(lora.rank * (a + b) + b * lora.dora for a, b in layers)
        for part, layers in shape.linears(config).items()
    }


def _activations(network: Network, config: Mapping[str, Any], data: SceneData, scenes: Records) -> int:
    """Bytes that a forward of the longest samples keeps; those of one layer where they are computed again."""
    text, rows = config["text_config"], scenes.rows_N
    image = int((rows["width"] // FACTOR * (rows["height"] // FACTOR)).max())
    longest = min(PROMPT_TOKENS + image + TOKENS_PER_OBJECT * int(rows["objects"].max()), data.max_tokens)
    kept = KEPT_PER_HIDDEN * text["hidden_size"] + KEPT_PER_INNER * text["intermediate_size"]
    layers = 1 if network.gradient_checkpointing else text["num_hidden_layers"]
    return int(BYTES[network.dtype] * data.batch_size * longest * layers * kept)


def _source(network: Network) -> str:
    weights = network.weights
    if isinstance(weights, Hub):
        return f", from {weights.name} at {weights.revision}"
    return f", from {weights.folder}" if isinstance(weights, Folder) else ", at random"
