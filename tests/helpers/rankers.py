"""Small rankers with random weights, and their bundles."""

import itertools

import numpy as np
from tlg8 import noise, save

from railyard.tlg8.artifacts.extraction import extract
from railyard.tlg8.ranking.bundle import SCHEMA_VERSION, Facts, Reranker
from railyard.tlg8.ranking.heads import BEAMS, CLASSES, JOINT, STRICT, widened
from railyard.tlg8.ranking.mlp import Network


def small_network(inputs, hidden=(7, 5), heads=STRICT, seed=0):
    """Heads over so many inputs."""
    rng = np.random.default_rng(seed)

    def layers(classes):
        widths = [inputs, *hidden, classes]
        return [
            (rng.normal(size=(high, low)).astype(np.float32), rng.normal(size=high).astype(np.float32))
            for low, high in itertools.pairwise(widths)
        ]

    mean, scale = rng.normal(size=inputs), rng.uniform(0.5, 2, inputs)
    return Network({name: layers(CLASSES[name]) for name in heads}, mean.astype(np.float32), scale.astype(np.float32))


def facts_of(network, mode="strict", candidates=None, **changes):
    """Facts of a bundle of `small_network`s; with `candidates` it has a reranker of the joint heads."""
    hidden = [weight.shape[0] for weight, _ in network.heads["predictor"]][:-1]
    reranker = Reranker(candidates=candidates, heads={key: [9] for key in JOINT}) if candidates else None
    told = {
        "schema_version": SCHEMA_VERSION,
        "mode": "rerank" if candidates else mode,
        "heads": dict.fromkeys(STRICT, hidden),
        "beams": list(widened(candidates) if candidates else BEAMS),
        "k": 32,
        "inputs": {},
        "leaky": False,
        "parameters": network.parameters,
        "reported": {},
        "provenance": {},
        "reranker": reranker,
    }
    return Facts(**{**told, **changes})


def small_pack(folder, images=3):
    """A pack of images with smooth and noisy parts, one of them with alpha; 48 blocks each."""
    for number in range(images):
        planes = noise(np.random.default_rng(number), 4 if number == 1 else 3, 48, 64).astype(np.int64)
        planes[..., :24, :] = (planes[..., :24, :] + 20 * np.arange(64)) // 16
        save(folder / "art" / f"{number}.png", planes.astype(np.uint8))
    extract(folder / "art", folder / "pack", workers=1)
    return folder / "pack"
