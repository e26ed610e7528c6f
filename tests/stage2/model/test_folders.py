import json
import shutil

import pytest

from railyard.core.errors import UserError
from railyard.stage2.model import folders
from railyard.stage2.model.config import Folder, Lora, Network

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    from tiny_detector import tiny_detector

    folder = tmp_path_factory.mktemp("model") / "init"
    folders.write(folder, tiny_detector())
    return folder


@pytest.mark.parametrize("lora", [False, True])
def test_transformers_reads_what_is_written_with_equal_logits(tmp_path, lora):
    import torch
    from tiny_detector import alone, tiny_batch, tiny_detector
    from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

    detector = tiny_detector(tuning=Lora(rank=2) if lora else None)
    with torch.no_grad():
        detector.rows_KH.mul_(1.5)
        for name, weight in detector.named_parameters():
            if ".lora_" in name:
                weight.add_(0.1)
    folders.write(tmp_path / "m", detector)
    batch = tiny_batch(detector)
    theirs = Qwen3VLForConditionalGeneration.from_pretrained(tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    text = '{"object_1": {"desc": "é", "bbox_2d": ["<|coord_7|>"'
    assert tokenizer.encode(text, add_special_tokens=False) == detector.vocabulary.encode(text)
    prompt = torch.from_numpy(batch.prompts[0])[None]
    with torch.no_grad():
        logits = theirs(
            input_ids=prompt,
            mm_token_type_ids=(prompt == detector.image_pad).int(),
            pixel_values=torch.from_numpy(batch.patches[0].patches_PC),
            image_grid_thw=torch.from_numpy(batch.patches[0].grid_3)[None],
        ).logits[0, -1]
        ours = alone(detector, batch, 0, [])[0] @ detector.output_VH().T
    torch.testing.assert_close(logits, ours, atol=1e-5, rtol=0)


def test_a_written_folder_is_built_again(written):
    import torch
    from tiny_detector import tiny_detector

    from railyard.stage2.model.build import build

    detector, again = tiny_detector(), build(Network(weights=Folder(folder=written)))
    for (name, weight), (other, stored) in zip(again.state_dict().items(), detector.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(weight, stored), name
    assert again.vocabulary.im_end == detector.vocabulary.im_end


def spoiled(written, tmp_path, **config):
    shutil.copytree(written, tmp_path / "bad")
    content = json.loads((tmp_path / "bad/config.json").read_text())
    (tmp_path / "bad/config.json").write_text(json.dumps({**content, **config}))
    return tmp_path / "bad"


def test_damaged_and_incomplete_weights_are_refused(written, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    bad = spoiled(written, tmp_path)
    weights = load_file(bad / "model.safetensors")
    name = "model.visual.merger.norm.bias"
    save_file({key: each for key, each in weights.items() if key != name}, bad / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=rf"lacks weights \({name}\)"):
        folders.load(bad, "float32", "sdpa")
    save_file({**weights, "extra": torch.zeros(1)}, bad / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"has unknown weights \(extra\)"):
        folders.load(bad, "float32", "sdpa")
    (bad / "model.safetensors").write_bytes((written / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(UserError, match="cannot be loaded"):
        folders.load(bad, "float32", "sdpa")
