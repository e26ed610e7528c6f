"""PyTorch files of other trainers: what is found in them, and that none can run code."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from railyard.board.model.init_folder import read_init
from railyard.core.errors import UserError

FOLDER = Path(__file__).parents[2] / "fixtures" / "board" / "08_encoder_binned_gqa"
WEIGHTS = load_file(FOLDER / "model.safetensors")
CONFIG = json.loads((FOLDER / "config.json").read_text())


def logits(model):
    return torch.stack(model.eval()(torch.arange(32).reshape(2, 16) % 16).heads)


@pytest.mark.parametrize("suffix", ["pt", "pth"])
@pytest.mark.parametrize(
    "content",
    [
        {"encoder_config": CONFIG, "state_dict": WEIGHTS},
        {"encoder_config": CONFIG, "model_state_dict": WEIGHTS, "step": 7},
        {"training_config": {"model": {"encoder_config": CONFIG}}, "model": WEIGHTS},
        {"encoder_config": CONFIG, "model": {f"module._orig_mod.{name}": w for name, w in WEIGHTS.items()}},
        {"encoder_config": CONFIG | {"output_n_bins": None, "input_vocab_size": 2}, **WEIGHTS},
    ],
    ids=["state_dict", "model_state_dict", "nested config", "prefixes", "flat, config from weights"],
)
def test_layouts(content, suffix, tmp_path):
    torch.save(content, tmp_path / f"best.{suffix}")
    model, tokenizer = read_init(tmp_path / f"best.{suffix}")
    assert torch.equal(logits(model), logits(read_init(FOLDER)[0]))
    assert tokenizer is None


def test_weights_without_a_config(tmp_path):
    torch.save(WEIGHTS, tmp_path / "best.pt")
    with pytest.raises(UserError, match=r"best\.pt holds weights without an encoder_config"):
        read_init(tmp_path / "best.pt")


def test_a_misfit_lists_the_first_names(tmp_path):
    weights = {name: w for name, w in WEIGHTS.items() if name != "final_ln.weight"} | {"zebra": torch.ones(1)}
    torch.save({"encoder_config": CONFIG, "model": weights}, tmp_path / "best.pt")
    with pytest.raises(UserError, match=r"final_ln\.weight is missing; zebra is unknown to the network"):
        read_init(tmp_path / "best.pt")


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def test_code_is_not_run(work):
    (work / "best.pt").write_bytes(pickle.dumps({"model": Evil()}, protocol=2))
    torch.save({"model": Evil()}, work / "archive.pt")
    for name in ("best.pt", "archive.pt"):
        with pytest.raises(UserError, match=rf"{name} cannot be read as plain tensors"):
            read_init(work / name)
    assert not (work / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [([1], "holds a list"), ({"step": 1}, "holds no weights"), (b"not a pickle", "cannot be read as plain tensors")],
)
def test_other_files(content, message, tmp_path):
    path = tmp_path / "best.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(UserError, match=message):
        read_init(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"best\.pth does not exist"):
        read_init(tmp_path / "best.pth")
