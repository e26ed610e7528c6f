import json
import shutil

import pytest

from railyard.core.errors import UserError
from railyard.stage2.model import files


@pytest.fixture
def written(tmp_path):
    """The files of a model whose weights are no weights."""
    folder = tmp_path / "init"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen3_vl"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_the_fingerprint_follows_the_weights_with_and_without_a_manifest(written, tmp_path):
    from railyard.core.store import durable

    before = files.fingerprint(written)
    durable.write_manifest(written, {})
    assert files.fingerprint(written) == before
    assert len(before) == 16
    other = shutil.copytree(written, tmp_path / "other")
    (other / "manifest.json").unlink()
    (other / "model.safetensors").write_bytes(b"weightz")
    assert files.fingerprint(other) != before


def test_folders_that_hold_no_such_model(written, tmp_path):
    assert files.check(written) == {"model_type": "qwen3_vl"}
    with pytest.raises(UserError, match=r"holds no config\.json"):
        files.check(tmp_path)
    (written / "model.safetensors").unlink()
    with pytest.raises(UserError, match="holds no weights"):
        files.check(written)
    (written / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UserError, match="holds no Qwen3-VL, but one of type 'llama'"):
        files.check(written)
    (written / "config.json").write_text('{"hidden_size": 64, "head_type": "binned_ev"}')
    with pytest.raises(UserError, match="but one of another rail: give the init/ of a stage2 run"):
        files.check(written)
