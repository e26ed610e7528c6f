"""The encoder as an ONNX file: what `railyard export format=onnx` writes, checked by running it.

    OUT/model.onnx         boards uint8 [B, 16] to logits_up … logits_right [B, N] (an action_policy: logits [B, 4]),
                           board_embedding [B, D] and value_NAME [B, …] for each value head; any B from 1
    OUT/config.json, OUT/tokenizer.json, OUT/provenance.json, OUT/manifest.json

The network is traced by torch.export (extra `export`) and held against PyTorch under onnxruntime before the folder
takes its place.
"""

import importlib.util
import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from railyard.board.model.config import CELLS, parameter_count
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.folder import CONFIG_FILE, TOKENIZER_FILE, weight_file
from railyard.board.model.inference import model_hash
from railyard.board.model.init_folder import read_init
from railyard.core.arrays import F32
from railyard.core.errors import RailyardError, UserError
from railyard.core.making.outputs import finished_before, publish, write_manifest
from railyard.core.making.work_folder import work_folder
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable

FILE = "model.onnx"
SCHEMA_VERSION = 1
MOVES = ("up", "down", "left", "right")
TOLERANCE = 1e-5  # of the largest absolute value of an output, or of 1 where that is less
CHECKED = (1, 7, 64)  # boards of the batches that are compared
LARGEST = 2**31 - 2**24  # bytes of one protobuf message, less room for the graph
PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class Named(nn.Module):
    """An encoder whose outputs are a flat tuple, in the order of `output_names`."""

    def __init__(self, encoder: BoardEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, boards_B16: Tensor) -> tuple[Tensor, ...]:
        outputs = self.encoder(boards_B16)
        heads = (outputs.heads,) if isinstance(outputs.heads, Tensor) else tuple(outputs.heads)
        return (*heads, outputs.hidden.mean(dim=1), *outputs.values.values())


def output_names(encoder: BoardEncoder) -> list[str]:
    """The names of an encoder's outputs as the file has them."""
    is_binned = encoder.config.head_type == "binned_ev"
    heads = [f"logits_{move}" for move in MOVES] if is_binned else ["logits"]
    with torch.inference_mode():
        values = encoder(torch.zeros(1, CELLS, dtype=torch.uint8)).values
    return [*heads, "board_embedding", *(f"value_{name}" for name in values)]


def export_onnx(init: Path, out: Path, command: list[str]) -> dict[str, Any]:
    """Writes the folder `out`; what it holds. UserError without the extra, without weights, or if `out` is occupied."""
    _require_packages()
    if not init.is_dir() or weight_file(init) is None:
        raise UserError(f"{init} holds no weights: give the init folder of a trained model, or the run that wrote it")
    encoder = read_init(init)[0].eval()
    if (size := 4 * parameter_count(encoder.config)) > LARGEST:
        raise UserError(f"{init} holds {size / 2**30:.1f} GiB of weights; one ONNX file takes less than 2 GiB")
    origin: dict[str, Any] = {"kind": "onnx", "onnx_version": SCHEMA_VERSION, "model_hash": model_hash(encoder)}
    said = {"out": str(out), "model": str(out / FILE), "model_hash": origin["model_hash"]}
    if manifest := finished_before(out, origin, "the ONNX file of this model"):
        return {**said, "outputs": manifest["outputs"], "already_there": True}
    with work_folder(out, origin) as work:
        folder = work / "model"
        folder.mkdir(exist_ok=True)
        names = output_names(encoder)
        durable.write_bytes(folder / FILE, _traced(encoder, names))
        difference = _difference(encoder, folder / FILE, names)
        _write_beside(folder, init, encoder)
        facts = {"init": str(init), "model_hash": origin["model_hash"], "largest_difference": difference}
        durable.write_json(folder / "provenance.json", provenance(command, None, **facts))
        write_manifest(folder, origin, outputs=names)
        publish(folder, out)
    return {**said, "outputs": names, "largest_difference": difference}


def _require_packages() -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"format=onnx needs {', '.join(missing)}: pip install 'railyard[export]'")


def _write_beside(folder: Path, init: Path, encoder: BoardEncoder) -> None:
    (folder / CONFIG_FILE).write_text(json.dumps(encoder.config.to_json(), indent=2))
    if (init / TOKENIZER_FILE).is_file():
        shutil.copyfile(init / TOKENIZER_FILE, folder / TOKENIZER_FILE)


def _traced(encoder: BoardEncoder, names: list[str]) -> bytes:
    boards = torch.zeros(2, CELLS, dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            Named(encoder).eval(),
            (boards,),
            dynamo=True,
            input_names=["boards"],
            output_names=names,
            dynamic_shapes={"boards_B16": {0: torch.export.Dim("batch")}},
            verbose=False,
        )
    assert program is not None  # so for dynamo=True
    return bytes(program.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch tells its own developers: a deprecated test inside it, torchvision that nobody needs."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.*", FutureWarning)
            yield
    finally:
        registration.setLevel(before)


def _difference(encoder: BoardEncoder, file: Path, names: list[str]) -> float:
    """The largest difference to PyTorch, relative as TOLERANCE is; RailyardError where it is larger."""
    from onnxruntime import InferenceSession

    session, random = InferenceSession(str(file), providers=["CPUExecutionProvider"]), np.random.default_rng(0)
    largest = 0.0
    for count in CHECKED:
        boards_B16 = random.integers(0, encoder.config.input_vocab_size, (count, CELLS)).astype(np.uint8)
        with torch.inference_mode():
            wanted = Named(encoder)(torch.from_numpy(boards_B16))
        for name, ours, theirs in zip(names, wanted, session.run(names, {"boards": boards_B16}), strict=True):
            largest = max(largest, _compared(name, ours.numpy(), theirs))
    return largest


def _compared(name: str, wanted: F32, found: F32) -> float:
    difference = float(np.abs(wanted - found).max()) / max(1.0, float(np.abs(wanted).max()))
    if not difference <= TOLERANCE:
        raise RailyardError(f"onnxruntime computes {name} otherwise than PyTorch: by {difference:.2g} of its range")
    return difference
