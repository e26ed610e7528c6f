"""Answers of a model about boards: the one place that turns its heads into probabilities, moves, values and embeddings.

Shapes: B boards, 4 moves in the order UDLR, N bins (1 for action_policy), V logits of all value heads, D hidden_size.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.board.model.config import CELLS, HEADS
from railyard.board.model.encoder import BoardEncoder, Heads, Outputs
from railyard.board.model.folder import TOKENIZER_FILE, read_tokenizer
from railyard.board.model.init_folder import PICKLE_SUFFIXES
from railyard.core.arrays import U8
from railyard.core.package import __version__, source_hash
from railyard.core.store.reading import check_shape, read_bytes


def forward_distributions(model: BoardEncoder, tokens: Tensor, set_eval: bool = True) -> Tensor | list[Tensor]:
    """Softmax of every head, float32, without gradients.

    Tokens are exponents [B, 16] of any integer dtype, on the model's device. Gives four [B, N] in the order
    UDLR for binned_ev and one [B, 4] over the moves for action_policy. `set_eval` puts the model into
    evaluation mode and leaves it there; without it dropout follows the model's mode.
    """
    if set_eval:
        model.eval()
    with torch.inference_mode():
        return _distributions(model(tokens).heads)


def _distributions(heads: Heads) -> Heads:
    if isinstance(heads, Tensor):
        return heads.float().softmax(dim=-1)
    return [logits.float().softmax(dim=-1) for logits in heads]


class _Parts(NamedTuple):
    """Those of `Answers`, on the model's device."""

    best_B: Tensor
    mass_B: Tensor
    probabilities_B4N: Tensor
    logits_B4N: Tensor
    values_BV: Tensor
    embeddings_BD: Tensor


def _parts(outputs: Outputs) -> _Parts:
    heads = outputs.heads
    logits = heads.float() if isinstance(heads, Tensor) else torch.stack(heads, dim=1).float()
    probabilities = logits.softmax(dim=-1)
    logits_B4N, probabilities_B4N = (part.reshape(len(part), HEADS, -1) for part in (logits, probabilities))
    mass_B, best_B = probabilities_B4N[:, :, -1].max(dim=1)
    embeddings_BD = outputs.hidden.float().mean(dim=1)
    values = [logits.float() for logits in outputs.values.values()]
    values_BV = torch.cat(values, dim=1) if values else embeddings_BD[:, :0]
    return _Parts(best_B.to(torch.uint8), mass_B, probabilities_B4N, logits_B4N, values_BV, embeddings_BD)


class AnsweringModel:
    """A model that answers, in passes of a given number of rows; passes come one at a time, whoever asks.

    The model is put into evaluation mode. precision: fp32, or bf16 for the passes. compiled: by torch.compile, once for
    each number of rows. graphs: on CUDA each number of rows is recorded once and then replayed. At one number of rows
    the answer for a board is the same whatever stands beside it.
    """

    def __init__(
        self, model: BoardEncoder, device: str, precision: str = "fp32", compiled: bool = False, graphs: bool = False
    ) -> None:
        self.model, self.device, self.precision = model.to(device).eval(), torch.device(device), precision
        self._compute = torch.compile(self._pass, dynamic=False) if compiled else self._pass
        self._recorded: dict[int, _Recorded] | None = {} if graphs and self.device.type == "cuda" else None
        self._one_pass = threading.Lock()

    def answer(self, boards_B16: U8, rows: int, wanted: Wanted) -> Answers:
        """The answers for B boards, all of them tokens of the model, by one pass of exactly `rows` >= B."""
        count = len(boards_B16)
        padded = np.zeros((rows, CELLS), np.uint8)
        padded[:count] = boards_B16
        with self._one_pass, torch.inference_mode():
            parts = self._run(torch.from_numpy(padded))
            kept = (True, True, *wanted)
            return Answers._make(_array(part[:count]) if keep else None for part, keep in zip(parts, kept, strict=True))

    def _run(self, tokens: Tensor) -> _Parts:
        if self._recorded is None:
            return self._compute(tokens.to(self.device))
        if len(tokens) not in self._recorded:
            self._recorded[len(tokens)] = _Recorded(self._compute, tokens.to(self.device))
        return self._recorded[len(tokens)](tokens)

    def _pass(self, tokens: Tensor) -> _Parts:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            outputs = self.model(tokens)
        return _parts(outputs)


class _Recorded:
    """The pass of one number of rows as a CUDA graph, which costs one launch instead of some hundred."""

    def __init__(self, compute: Callable[[Tensor], _Parts], tokens: Tensor) -> None:
        self._tokens, self._graph = tokens, torch.cuda.CUDAGraph()
        for _ in range(3):  # lazy work, as of cuBLAS, must not be recorded
            compute(tokens)
        with torch.cuda.graph(self._graph):
            self._parts = compute(tokens)

    def __call__(self, tokens: Tensor) -> _Parts:
        self._tokens.copy_(tokens)
        self._graph.replay()
        return self._parts


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.cpu().numpy()
    return array


def facts_of(model: BoardEncoder, init: Path) -> ModelFacts:
    """What is told of the model that was read from `init`. UserError for a tokenizer.json with odd names."""
    config, folder = model.config, init.parent if init.suffix in PICKLE_SUFFIXES else init
    stored = read_tokenizer(folder)
    known: Mapping[str, Any] = stored or {}
    kind = known.get("tokenizer_type", known.get("tokenizerType", ""))
    labels = known.get("vocab_order", known.get("vocabOrder", []))
    check_shape({"tokenizer_type": kind, "vocab_order": labels}, _Named, str(folder / TOKENIZER_FILE), "restore it")
    return ModelFacts(
        head_type=config.head_type,
        bin_count=config.n_bins if config.head_type == "binned_ev" else 0,
        tokenizer_type=kind,
        vocab_labels=tuple(labels),
        value_heads=tuple((head.name, head.dim) for head in config.value_heads),
        hidden_size=config.hidden_size,
        input_vocab_size=config.input_vocab_size,
        model_hash=model_hash(model),
        tokenizer_hash=hashlib.sha256(read_bytes(folder / TOKENIZER_FILE)).hexdigest() if stored is not None else "",
        code_version=f"{__version__}+{source_hash()[:12]}",
    )


class _Named(BaseModel):
    """What a tokenizer.json says of its names."""

    tokenizer_type: str
    vocab_order: list[str]


def model_hash(model: BoardEncoder) -> str:
    """SHA-256 over names, shapes and float32 bytes of the weights, sorted by name, and the config as canonical JSON."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{list(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    digest.update(json.dumps(model.config.to_json(), sort_keys=True, separators=(",", ":")).encode())
    return digest.hexdigest()
