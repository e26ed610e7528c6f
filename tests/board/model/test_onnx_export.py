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
def made(tmp_path_factory):
    """The folders of both models; tracing one takes seconds."""
    fixtures = Path(__file__).parents[2] / "fixtures" / "board"
    folder = tmp_path_factory.mktemp("onnx")
    for name in (BINNED, POLICY):
        onnx_export.export_onnx(fixtures / name, folder / name, ["railyard", "export"])
    return folder


@pytest.mark.parametrize(
    ("name", "heads"),
    [(BINNED, ["logits_up", "logits_down", "logits_left", "logits_right"]), (POLICY, ["logits"])],
)
def test_any_number_of_boards_has_the_answers_of_pytorch(made, fixtures, name, heads):
    encoder = read_init(fixtures / name)[0].eval()
    session = ort.InferenceSession(str(made / name / onnx_export.FILE), providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == [*heads, "board_embedding"]
    for count in (1, 3, 200):
        boards = np.random.default_rng(count).integers(0, 17, (count, 16)).astype(np.uint8)
        *found, embedding = session.run(None, {"boards": boards})
        with torch.inference_mode():
            wanted = encoder(torch.from_numpy(boards))
        policy = wanted.heads if isinstance(wanted.heads, list) else [wanted.heads]
        for ours, theirs in zip(policy, found, strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5, rtol=0)
        np.testing.assert_allclose(embedding, wanted.hidden.mean(dim=1).numpy(), atol=1e-5, rtol=0)


def test_value_heads_have_outputs_of_their_names(tmp_path, fixtures):
    config = read_init(fixtures / BINNED)[0].config.with_value_heads(["p_die", "linear"])
    encoder = BoardEncoder(config).eval()
    write_init(tmp_path / "init", encoder, None)
    onnx_export.export_onnx(tmp_path / "init", tmp_path / "out", [])
    session = ort.InferenceSession(str(tmp_path / "out" / onnx_export.FILE), providers=["CPUExecutionProvider"])
    boards = np.random.default_rng(0).integers(0, 17, (5, 16)).astype(np.uint8)
    found = session.run(["value_p_die", "value_linear"], {"boards": boards})
    with torch.inference_mode():
        values = encoder(torch.from_numpy(boards)).values
    np.testing.assert_allclose(found, [values["p_die"].numpy(), values["linear"].numpy()], atol=1e-5, rtol=0)
    assert (tmp_path / "out" / "config.json").read_bytes() == (tmp_path / "init" / "config.json").read_bytes()


def test_beside_it_stands_what_it_was_made_of(made, fixtures):
    folder = made / BINNED
    assert {path.name for path in folder.iterdir()} == {
        *("model.onnx", "config.json", "tokenizer.json", "provenance.json", "manifest.json")
    }
    assert (folder / "tokenizer.json").read_bytes() == (fixtures / BINNED / "tokenizer.json").read_bytes()
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["model_hash"] == onnx_export.model_hash(read_init(fixtures / BINNED)[0])
    assert 0 <= provenance["largest_difference"] <= onnx_export.TOLERANCE
    assert json.loads((folder / "manifest.json").read_text())["outputs"][-1] == "board_embedding"


def test_what_stands_there_is_not_made_again(made, fixtures, monkeypatch):
    monkeypatch.setattr(onnx_export, "_traced", None)
    assert onnx_export.export_onnx(fixtures / BINNED, made / BINNED, [])["already_there"]


def test_a_difference_is_an_error(made, fixtures, tmp_path, monkeypatch):
    other = (made / BINNED / onnx_export.FILE).read_bytes()
    monkeypatch.setattr(onnx_export, "_traced", lambda encoder, names: other)
    bent = tmp_path / "bent"
    shutil.copytree(fixtures / BINNED, bent)
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
