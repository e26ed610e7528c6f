"""The ONNX file of an encoder is its equal for any number of boards."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from railyard.board.model import onnx_export
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.init_folder import read_init, write_init
from railyard.core.errors import RailyardError

ort = pytest.importorskip("onnxruntime")

BINNED, POLICY = "08_encoder_binned_gqa", "08_encoder_action_policy"


@pytest.fixture(scope="module")
def inits(tmp_path_factory):
    """Init folders of both models; the first one has value heads."""
    fixtures = Path(__file__).parents[2] / "fixtures" / "board"
    folder = tmp_path_factory.mktemp("inits")
    plain = read_init(fixtures / BINNED)[0]
    encoder = BoardEncoder(plain.config.with_value_heads(["p_die", "linear"]))
    encoder.load_state_dict(plain.state_dict(), strict=False)
    write_init(folder / BINNED, encoder, fixtures / BINNED / "tokenizer.json")
    shutil.copytree(fixtures / POLICY, folder / POLICY)
    return folder


@pytest.fixture(scope="module")
def made(inits, tmp_path_factory):
    """`made(name)`: the ONNX folder of that model; tracing one takes seconds."""
    folder = tmp_path_factory.mktemp("onnx")

    def make(name):
        if not (folder / name).exists():
            onnx_export.export_onnx(inits / name, folder / name, ["railyard", "export"])
        return folder / name

    return make


@pytest.mark.parametrize(
    ("name", "heads", "value_heads"),
    [
        (BINNED, ["logits_up", "logits_down", "logits_left", "logits_right"], ["p_die", "linear"]),
        pytest.param(POLICY, ["logits"], [], marks=pytest.mark.slow),
    ],
)
def test_any_number_of_boards_has_the_answers_of_pytorch(made, inits, name, heads, value_heads):
    encoder = read_init(inits / name)[0].eval()
    session = ort.InferenceSession(str(made(name) / onnx_export.FILE), providers=["CPUExecutionProvider"])
    values = [f"value_{each}" for each in value_heads]
    assert [output.name for output in session.get_outputs()] == [*heads, "board_embedding", *values]
    for count in (1, 3, 200):
        boards = np.random.default_rng(count).integers(0, 17, (count, 16)).astype(np.uint8)
        found = dict(zip([*heads, "board_embedding", *values], session.run(None, {"boards": boards}), strict=True))
        with torch.inference_mode():
            wanted = encoder(torch.from_numpy(boards))
        policy = wanted.heads if isinstance(wanted.heads, list) else [wanted.heads]
        for ours, head in zip(policy, heads, strict=True):
            np.testing.assert_allclose(found[head], ours.numpy(), atol=1e-5, rtol=0)
        np.testing.assert_allclose(found["board_embedding"], wanted.hidden.mean(dim=1).numpy(), atol=1e-5, rtol=0)
        for each in value_heads:
            np.testing.assert_allclose(found[f"value_{each}"], wanted.values[each].numpy(), atol=1e-5, rtol=0)


def test_beside_it_stands_what_it_was_made_of(made, inits):
    folder = made(BINNED)
    assert {path.name for path in folder.iterdir()} == {
        *("model.onnx", "config.json", "tokenizer.json", "provenance.json", "manifest.json")
    }
    for name in ("config.json", "tokenizer.json"):
        assert (folder / name).read_bytes() == (inits / BINNED / name).read_bytes()
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["model_hash"] == onnx_export.model_hash(read_init(inits / BINNED)[0])
    assert 0 <= provenance["largest_difference"] <= onnx_export.TOLERANCE
    outputs = json.loads((folder / "manifest.json").read_text())["outputs"]
    assert outputs[-3:] == ["board_embedding", "value_p_die", "value_linear"]


def test_what_stands_there_is_not_made_again(made, inits, monkeypatch):
    folder = made(BINNED)
    monkeypatch.setattr(onnx_export, "_traced", None)
    assert onnx_export.export_onnx(inits / BINNED, folder, [])["already_there"]


def test_a_difference_is_an_error(made, inits, tmp_path, monkeypatch):
    other = (made(BINNED) / onnx_export.FILE).read_bytes()
    monkeypatch.setattr(onnx_export, "_traced", lambda encoder, names: other)
    bent = tmp_path / "bent"
    shutil.copytree(inits / BINNED, bent)
    encoder = read_init(bent)[0]
    with torch.no_grad():
        encoder.ev_heads[0].bias += 1
    monkeypatch.setattr(onnx_export, "read_init", lambda path: (encoder, None))
    with pytest.raises(RailyardError, match="onnxruntime computes logits_up otherwise than PyTorch"):
        onnx_export.export_onnx(bent, tmp_path / "out", [])
    assert not (tmp_path / "out").exists()


def test_the_extra_is_named_where_it_is_missing(fixtures, tmp_path, monkeypatch):
    monkeypatch.setattr(
        onnx_export.importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find_spec(name)
    )
    with pytest.raises(RailyardError, match=r"format=onnx needs onnxscript: pip install 'railyard\[export\]'"):
        onnx_export.export_onnx(fixtures / BINNED, tmp_path / "out", [])


def test_more_than_one_file_can_hold_is_refused(fixtures, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "LARGEST", 1000)
    with pytest.raises(RailyardError, match="one ONNX file takes less than 2 GiB"):
        onnx_export.export_onnx(fixtures / BINNED, tmp_path / "out", [])
