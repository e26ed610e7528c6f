"""Init folders: `config.json`, `model.safetensors` and `tokenizer.json`, a model as all verbs take it.

Reading takes PyTorch files as well (`model/pickles.py`), and is strict: each weight the network has must be in the
file with its shape, and nothing else.
Writing gives the same bytes for the same weights, and takes the folder's place only when complete.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from railyard.board.model.config import Encoder, parameter_count
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.folder import (
    CONFIG_FILE,
    TOKENIZER_FILE,
    WEIGHT_FILES,
    Tokenizer,
    check_fields,
    read_config,
    read_tokenizer,
    weight_file,
)
from railyard.board.model.pickles import read_pickle
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.tensors import load_safetensors

PICKLE_SUFFIXES = (".pt", ".pth")
WRAPPERS = re.compile(r"^(_orig_mod\.|module\.)+")  # prefixes left by torch.compile and by DDP, in either order
SHOWN = 5  # differing weights named in a message

Weights = dict[str, Tensor]


def read_init(path: Path | str) -> tuple[BoardEncoder, Tokenizer | None]:
    """The model of an init folder (on the CPU, float32) and its tokenizer's JSON, None where it has none.

    A `.pt` or `.pth` file that holds its config is taken, too; a tokenizer.json beside it is its own. Without weights
    the model has fresh ones. UserError where the path, its config or its weights are bad.
    """
    path = Path(path)
    if path.suffix in PICKLE_SUFFIXES:
        return _from_pickle(path), read_tokenizer(path.parent)
    folder = _existing_folder(path)
    file = weight_file(folder)
    weights = None
    if file is not None:
        weights = _strip_wrappers(read_pickle(file)[0] if file.suffix in PICKLE_SUFFIXES else load_safetensors(file))
    return _model(read_config(folder), weights, folder / CONFIG_FILE, file), read_tokenizer(folder)


def _from_pickle(path: Path) -> BoardEncoder:
    stored, fields = read_pickle(path)
    if fields is None:
        raise UserError(
            f"{path} holds weights without an encoder_config: put it beside its config.json and give the folder"
        )
    return _model(check_fields(fields, path), _strip_wrappers(stored), path, path)


def _model(config: Encoder, weights: Weights | None, said_by: Path, file: Path | None) -> BoardEncoder:
    config = _fit_config(config, weights or {})
    if config.head_type == "binned_ev" and config.output_n_bins is None:
        raise UserError(
            f"{said_by}: output_n_bins is missing, which head_type=binned_ev needs: set it to "
            "the number of classes of the tokenizer (its bins + 3)"
        )
    return BoardEncoder(config) if weights is None or file is None else with_weights(config, weights, file, said_by)


def write_init(path: Path | str, model: BoardEncoder, tokenizer: Path | str | Mapping[str, Any] | None) -> None:
    """Writes `model` as the init folder `path`, replacing one that exists.

    `tokenizer` is a file, which is copied byte for byte, or its JSON object.
    """
    with durable.atomic_folder(Path(path)) as folder:
        (folder / CONFIG_FILE).write_text(_json(model.config.to_json()))
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        # the header orders names itself; one metadata key only, since several would come in any order
        save_file(weights, folder / WEIGHT_FILES[1], metadata={"format": "pt"})
        if isinstance(tokenizer, Mapping):
            (folder / TOKENIZER_FILE).write_text(_json(tokenizer))
        elif tokenizer is not None:
            shutil.copyfile(tokenizer, folder / TOKENIZER_FILE)


def describe(folder: Path) -> dict[str, Any]:
    """Shape, size and tokenizer of the model, for `railyard show`; reading its weights is the integrity check."""
    model = read_init(folder)[0] if weight_file(folder) else None
    config = model.config if model else read_config(folder)
    by_part: Counter[str] = Counter()
    for name, weight in model.named_parameters() if model else ():
        by_part[name.partition(".")[0]] += weight.numel()
    tokenizer = read_tokenizer(folder)
    return {
        "kind": "init folder",
        "path": str(folder),
        "config": config.to_json(),
        "parameters": parameter_count(config),
        "parameters_by_part": dict(by_part),
        "tokenizer": tokenizer and {k: tokenizer[k] for k in ("tokenizer_type", "num_bins") if k in tokenizer},
    }


def _existing_folder(path: Path) -> Path:
    if str(path).startswith("hf:"):
        raise UserError(
            f"{path} is a model of a hub, which Railyard does not fetch: download it first, as with "
            "`hf download ORG/REPO --local-dir FOLDER`, and give the folder"
        )
    if not path.is_dir():
        raise UserError(f"{path} is not a folder: give an init folder, which holds config.json and model.safetensors")
    return path


def _strip_wrappers(stored: Mapping[str, Tensor]) -> Weights:
    """By the names of the network itself."""
    return {WRAPPERS.sub("", name): tensor for name, tensor in stored.items()}


def _fit_config(config: Encoder, weights: Weights) -> Encoder:
    """The config corrected by the weights: the head's type, its classes, a larger vocabulary."""
    known: dict[str, Any] = {}
    if "policy_head.weight" in weights:
        known["head_type"] = "action_policy"
    if "ev_heads.0.weight" in weights:
        known |= {"head_type": "binned_ev", "output_n_bins": _rows(weights["ev_heads.0.weight"])}
    if "tok_emb.weight" in weights:
        known["input_vocab_size"] = max(config.input_vocab_size, _rows(weights["tok_emb.weight"]))
    return config.model_copy(update=known)


def _rows(weight: Tensor) -> int:
    return weight.shape[0] if weight.ndim else 0


def with_weights(config: Encoder, weights: Weights, file: Path, said_by: Path) -> BoardEncoder:
    """The network of the config that `said_by` holds, with the `weights` of `file`; UserError where they do not fit.

    Built without memory first, so no random number is drawn.
    """
    with torch.device("meta"), _Unfilled():
        model = BoardEncoder(config)
    _check_same(model.state_dict(), weights, file, said_by)
    # copies: a tensor over the mapped file would die with it
    owned = {name: tensor.to(torch.float32, copy=True) for name, tensor in weights.items()}
    model.load_state_dict(owned, strict=True, assign=True)
    return model


class _Unfilled(TorchFunctionMode):
    """Leaves out filling of new weights, which without memory has no effect but takes a second: torch imports its
    compiler for it."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(function, "__module__", None) == torch.nn.init.__name__:
            return None
        return function(*args, **(kwargs or {}))


def _check_same(wanted: Weights, found: Weights, file: Path, said_by: Path) -> None:
    faults = [_difference(name, wanted, found) for name in sorted(wanted.keys() | found.keys())]
    faults = [fault for fault in faults if fault]
    if faults:
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise UserError(
            f"{file} does not fit its config, {said_by}: {'; '.join(faults[:SHOWN])}{more}; "
            "mend that or take the weights that belong to it"
        )


def _difference(name: str, wanted: Weights, found: Weights) -> str:
    if name not in found:
        return f"{name} is missing"
    if name not in wanted:
        return f"{name} is unknown to the network"
    have, want = tuple(found[name].shape), tuple(wanted[name].shape)
    if have != want:
        return f"{name} has shape {list(have)}, expected {list(want)}"
    return "" if found[name].is_floating_point() else f"{name} holds {found[name].dtype}, expected real numbers"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2)
