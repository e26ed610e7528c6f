"""Bundles: a folder with all that ranking needs, readable without torch.

    bundle.json          mode, heads, beams, what the inputs are and how they are made, rates that were measured
    weights.safetensors  weights and biases, `HEAD.0.weight` …, `mean` and `scale`; `reranker.HEAD.0.weight` …
    manifest.json        sizes and sha256 of the two: without it the folder is not whole

A newer schema version is refused, and so is a mode that this version does not know; older versions stay readable.
"""

import itertools
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from railyard.core.arrays import F32, U16
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.tlg8.codec.tuples import TUPLES
from railyard.tlg8.ranking.beam import top_of_beams, top_of_candidates
from railyard.tlg8.ranking.heads import CLASSES, STRICT
from railyard.tlg8.ranking.mlp import Network
from railyard.tlg8.ranking.modes import MODES, Mode

FACTS, WEIGHTS = "bundle.json", "weights.safetensors"
SCHEMA_VERSION = 1
AGAIN = "copy the bundle again, or promote it anew from its run"
RERANKER = "reranker."

Width = Annotated[int, Field(ge=1, le=4096)]


class Reranker(BaseModel):
    """The second stage: `candidates` of the first are ordered anew by heads of its own."""

    model_config = ConfigDict(strict=True, frozen=True)

    candidates: int = Field(ge=1, le=TUPLES)
    heads: dict[str, list[Width]]


class Facts(BaseModel):
    """`bundle.json`: heads and their hidden widths in the order of the logits, `inputs` as `features/` describes them.

    leaky: its inputs hold the answer, so an encoder cannot have them. edges: of quantile bins, by column. reported: on
    what blocks it was judged and what it reached; empty until then.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    schema_version: int
    mode: Mode
    heads: dict[str, list[Width]]
    beams: list[Annotated[int, Field(ge=1)]]
    k: int = Field(ge=1, le=TUPLES)
    inputs: dict[str, Any]
    edges: dict[str, list[float]] = {}
    leaky: bool
    parameters: dict[str, int]
    reported: dict[str, Any]
    provenance: dict[str, Any]
    reranker: Reranker | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if tuple(self.heads) != STRICT:
            raise ValueError(f"heads have to be {', '.join(STRICT)}")
        if len(self.beams) != len(STRICT) or any(b > CLASSES[n] for b, n in zip(self.beams, STRICT, strict=True)):
            raise ValueError("beams have to be a number for each head, at most that of its classes")
        given = min(prod(self.beams), self.reranker.candidates if self.reranker else TUPLES)
        if self.k > given:
            raise ValueError(f"k is {self.k} and the beams give {given} tuples")
        if self.reranker and (unknown := self.reranker.heads.keys() - CLASSES.keys()):
            raise ValueError(f"the reranker has a head {min(unknown)}, which is none")
        if (self.mode == "rerank") != (self.reranker is not None):
            raise ValueError("a reranker belongs to the mode rerank, and that needs one")
        return self


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that was read: its facts, and a network a stage."""

    path: Path
    facts: Facts
    network: Network
    reranker: Network | None

    def rank(self, inputs_ND: F32, k: int | None = None, threads: int | None = 1) -> U16:
        """The best k tuples of blocks, the best first: ranks uint16 [N, K] of inputs float32 [N, D]; null: its own k.

        UserError where there are fewer candidates, and where the inputs are not as wide as those it was trained on.
        """
        k, most = k or self.facts.k, self.most
        if k > most:
            raise UserError(f"{self.path} gives at most {most} tuples a block: lower k={k}")
        if inputs_ND.shape[1] != len(self.network.mean_D):
            wide = f"{len(self.network.mean_D)} inputs, the blocks have {inputs_ND.shape[1]}"
            raise UserError(f"{self.path} was trained on {wide}: use features of its own version")
        logits, beams = self.network.logits(inputs_ND, threads), tuple(self.facts.beams)
        if self.reranker is None or self.facts.reranker is None:
            return top_of_beams(logits, beams, k)
        candidates = top_of_beams(logits, beams, self.facts.reranker.candidates)
        return top_of_candidates(
            self.reranker.logits(inputs_ND, threads), tuple(self.facts.reranker.heads), candidates, k
        )

    @property
    def most(self) -> int:
        """Tuples that it can give of a block."""
        return self.facts.reranker.candidates if self.facts.reranker else prod(self.facts.beams)


def write_bundle(out: Path, facts: Facts, network: Network, reranker: Network | None = None) -> None:
    """Writes the bundle `out`, replacing one that exists."""
    tensors = {"mean": network.mean_D, "scale": network.scale_D}
    for prefix, part in (("", network), (RERANKER, reranker)):
        for name, layers in part.heads.items() if part else ():
            for place, (weight, bias) in enumerate(layers):
                tensors[f"{prefix}{name}.{place}.weight"], tensors[f"{prefix}{name}.{place}.bias"] = weight, bias
    with durable.atomic_folder(out) as folder:
        (folder / FACTS).write_text(json.dumps(facts.model_dump(exclude_none=True), indent=2) + "\n")
        save_file({name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}, folder / WEIGHTS)
        durable.write_manifest(folder, {"kind": "tlg8 bundle"})


def report_figures(source: Bundle, out: Path, split: str, dataset_sha256: str, result: Mapping[str, Any]) -> None:
    """Writes the bundle `out`, which may be its source: the same weights, with the figures of an evaluation."""
    reported = {"dataset_sha256": dataset_sha256, "split": split, "blocks": result["blocks"], **result["metrics"]}
    facts = source.facts.model_copy(update={"reported": reported})
    write_bundle(out, facts, source.network, source.reranker)


def read_bundle(path: Path) -> Bundle:
    """The bundle at `path`. UserError: cut off or changed, of a newer version, of an unknown mode, or not a bundle."""
    facts = read_facts(path)
    durable.check_manifest(path)
    tensors = _tensors(path / WEIGHTS)
    reranker = _network(path, facts.reranker.heads, tensors, RERANKER) if facts.reranker else None
    return Bundle(path, facts, _network(path, facts.heads, tensors), reranker)


def read_facts(path: Path) -> Facts:
    """`bundle.json` of a bundle, which says what it is before its weights are read."""
    file = path / FACTS
    content = read_json(file, AGAIN, missing=f"{path} is no bundle")
    version, mode = content.get("schema_version"), content.get("mode")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise UserError(f"{file} is of schema_version {version}, newer than {SCHEMA_VERSION}: use a newer Railyard")
    if mode not in MODES:
        raise UserError(
            f"{file} is of the mode {mode!r}, which this version does not know: it knows {', '.join(MODES)}"
        )
    try:
        return Facts.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise UserError(f"{file}: {place}{': ' if place else ''}{fault['msg']}; {AGAIN}") from None


def _tensors(path: Path) -> dict[str, F32]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, struct.error) as fault:
        raise UserError(f"{path} is damaged or no safetensors file ({fault}): {AGAIN}") from None


def _network(path: Path, heads: Mapping[str, list[int]], tensors: Mapping[str, F32], prefix: str = "") -> Network:
    """The network of these hidden widths; UserError where a tensor is missing, of another shape or not finite."""

    def tensor(name: str, *shape: int) -> F32:
        found = tensors.get(name)
        if found is None or found.dtype != np.float32 or found.shape != shape or not np.isfinite(found).all():
            got = "missing" if found is None else f"{found.dtype} {list(found.shape)}"
            raise UserError(f"{path / WEIGHTS}: {name} has to be finite float32 {list(shape)}, it is {got}; {AGAIN}")
        return found

    wide = tensors["mean"].shape[0] if "mean" in tensors and tensors["mean"].ndim == 1 else 0
    mean, scale = tensor("mean", wide), tensor("scale", wide)
    layers = {}
    for name, hidden in heads.items():
        widths = [wide, *hidden, CLASSES[name]]
        layers[name] = [
            (tensor(f"{prefix}{name}.{i}.weight", high, low), tensor(f"{prefix}{name}.{i}.bias", high))
            for i, (low, high) in enumerate(itertools.pairwise(widths))
        ]
    return Network(layers, mean, scale)


def describe(path: Path) -> dict[str, Any]:
    """What a bundle is, for `railyard show`; reading its weights is the integrity check."""
    facts = read_bundle(path).facts
    return {
        "kind": "tlg8 bundle",
        **facts.model_dump(exclude_none=True),
        "candidates": prod(facts.beams),
        "parameters_in_all": sum(facts.parameters.values()),
        "checked": ["manifest", "weights"],
    }
