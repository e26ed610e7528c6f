"""Answers of a model about boards, as probabilities."""

import hashlib
import json
import threading

import torch
from torch import Tensor

from railyard.board.game.players import Answer
from railyard.board.model.encoder import BoardEncoder, Heads
from railyard.core.arrays import F32, U8
from railyard.core.errors import UserError


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


class ModelPolicy:
    """A model as a player's policy (`game/players.py`); passes come one at a time, whoever asks.

    The model is put into evaluation mode. precision: fp32, or bf16 for the passes. embeddings, values: what an answer
    holds beside the heads; the values of a model without value heads are an empty mapping. UserError for a board with
    a tile that the model has no token for.
    """

    def __init__(
        self,
        model: BoardEncoder,
        device: str,
        precision: str = "fp32",
        embeddings: bool = False,
        values: bool = False,
    ) -> None:
        self.model, self.device = model.to(device).eval(), torch.device(device)
        self.precision, self.embeddings, self.values = precision, embeddings, values
        self._one_pass = threading.Lock()

    def __call__(self, exponents_B16: U8) -> Answer:
        self._check(int(exponents_B16.max(initial=0)))
        with self._one_pass, torch.inference_mode(), self._autocast():
            outputs = self.model(torch.from_numpy(exponents_B16).to(self.device))
            heads = _distributions(outputs.heads)
            policy = heads if isinstance(heads, Tensor) else torch.stack(heads, dim=1)
            boards_BD = _array(outputs.hidden.float().mean(dim=1)) if self.embeddings else None
            values = {name: _array(logits) for name, logits in outputs.values.items()} if self.values else None
            return Answer(_array(policy), boards_BD, values)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _check(self, highest: int) -> None:
        known = self.model.config.input_vocab_size
        if highest >= known:
            raise UserError(
                f"a board holds a tile of {1 << highest:,}, exponent {highest}, but this model knows exponents below "
                f"{known} (input_vocab_size): end games before with max_moves=, or train one that knows 18"
            )


def _array(tensor: Tensor) -> F32:
    array: F32 = tensor.float().cpu().numpy()
    return array


def model_hash(model: BoardEncoder) -> str:
    """SHA-256 over names, shapes and float32 bytes of the weights, sorted by name, and the config as canonical JSON."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{list(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    digest.update(json.dumps(model.config.to_json(), sort_keys=True, separators=(",", ":")).encode())
    return digest.hexdigest()
