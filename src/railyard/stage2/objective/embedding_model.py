"""The sentence-embedding model behind the semantic gate: from the disk or the hub's local cache, or none at all.

`load` does not fail where the model is missing: the gate is off, with one warning, and `is_active` is logged as 0.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from railyard.stage2.objective.semantic_gate import SemanticGate, Vectors

log = logging.getLogger(__name__)

BATCH = 64
PROBE = ("cat", "railway bridge", "a red circle", "seven people at a table")  # two pairs of nothing in common
ALIKE = 0.95
# what a folder that is no whole model raises on its way through transformers
UNUSABLE = (
    *(ImportError, OSError, ValueError, RuntimeError, KeyError, IndexError, TypeError, AttributeError),
    SafetensorError,
)


def load(model_name_or_path: str, revision: str, threshold: float, allow_download: bool = False) -> SemanticGate:
    """A gate on a model folder or on the revision of a hub id; off, with one warning, where either is not there.

    Nothing is fetched unless `allow_download`. The gate's identity holds path, revision and, for a hub id, the commit
    of the revision.
    """
    identity: dict[str, str | None] = {"path": model_name_or_path, "revision": revision, "commit": None}
    try:
        if not Path(model_name_or_path).is_dir():
            identity["commit"] = _commit(model_name_or_path, revision, allow_download)
        model = _model(model_name_or_path, identity["commit"], allow_download)
        _probe(model)
    except UNUSABLE as missing:
        reason = next(iter(str(missing).splitlines()), type(missing).__name__)
        log.warning(
            "the semantic gate is off, only descriptions in equal words are accepted: "
            "no sentence-embedding model from %s at revision %s (%s)",
            model_name_or_path,
            revision,
            reason,
        )
        return SemanticGate(None, threshold, identity)
    log.info("semantic gate: %s", identity)
    return SemanticGate(lambda texts: _encode(model, texts), threshold, identity)


def _commit(hub_id: str, revision: str, allow_download: bool) -> str:
    """The commit of a revision: the name of the cache's folder that holds its files."""
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(hub_id, "config.json", revision=revision, local_files_only=not allow_download)
    return Path(path).parent.name


def _model(model_name_or_path: str, commit: str | None, allow_download: bool) -> Any:
    from sentence_transformers import SentenceTransformer

    from railyard.stage2.model.folders import quiet_transformers

    with quiet_transformers():
        return SentenceTransformer(
            model_name_or_path,
            device="cpu",
            revision=commit,
            local_files_only=not allow_download,
            trust_remote_code=False,
            # the other format of weights is a pickle
            model_kwargs={"use_safetensors": True},
        )


def _probe(model: Any) -> None:
    """ValueError unless unlike texts get unlike vectors, which they do not where a part of the model is missing."""
    vectors_MD = _encode(model, PROBE)
    cosines_MM = vectors_MD @ vectors_MD.T
    if not (cosines_MM[0, 1] <= ALIKE and cosines_MM[2, 3] <= ALIKE):  # NaN is not either
        raise ValueError("it does not tell unlike words apart: its tokenizer, pooling or weights are not whole")


def _encode(model: Any, texts: Sequence[str]) -> Vectors:
    vectors: Vectors = model.encode(
        list(texts), batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
    )
    return vectors
