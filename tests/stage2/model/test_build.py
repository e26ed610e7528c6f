import shutil

import pytest

from railyard.core.errors import UserError
from railyard.stage2.model import folders
from railyard.stage2.model.config import Folder, Hub, Network, Random

pytestmark = pytest.mark.slow


def test_random_weights_follow_from_the_seed():
    import torch
    from tiny_detector import tiny_detector

    first, second, other = tiny_detector(1), tiny_detector(1), tiny_detector(2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.rows_KH, other.rows_KH)
    assert first.training


def without_coordinates(tmp_path):
    """A folder as public ones are: a model and a tokenizer that have no coordinates."""
    import torch
    from tiny_qwen3vl import tiny_qwen3vl
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    from railyard.stage2.language.tokenizer import SPECIALS, whole_token, write_files

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({text: id_ for id_, text in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([whole_token(text) for text in SPECIALS])
    torch.manual_seed(0)
    ids = {text: tokenizer.token_to_id(text) for text in SPECIALS}
    tiny_qwen3vl(tokenizer.get_vocab_size() + 5, ids).save_pretrained(tmp_path / "public")
    write_files(tokenizer, tmp_path / "public", "")
    return tmp_path / "public"


def test_a_tokenizer_without_coordinates_is_refused_or_given_them(tmp_path):
    import torch

    from railyard.stage2.model.build import build

    folder = without_coordinates(tmp_path)
    with pytest.raises(UserError, match=r"lacks coordinate tokens: set model\.network\.weights\.add_coordinates=true"):
        build(Network(weights=Folder(folder=folder)))
    detector = build(Network(weights=Folder(folder=folder, add_coordinates=True)))
    steps = detector.rows_KH.diff(dim=0)
    assert torch.allclose(steps, steps[:1], atol=1e-4)  # a straight line
    folders.write(tmp_path / "init", detector)
    again = build(Network(weights=Folder(folder=tmp_path / "init", add_coordinates=True)))
    assert torch.equal(again.rows_KH, detector.rows_KH)


def test_a_tokenizer_larger_than_the_embedding_is_refused(tmp_path):
    from tiny_detector import tiny_detector

    from railyard.stage2.model.build import build

    folders.write(tmp_path / "a", tiny_detector())
    folders.write(tmp_path / "b", tiny_detector(weights=Random(hidden=64, layers=1, vision_hidden=32, entries=300)))
    if tiny_detector().tokenizer.get_vocab_size() > 1300:
        shutil.copy(tmp_path / "a/tokenizer.json", tmp_path / "b/tokenizer.json")
        with pytest.raises(UserError, match="give the tokenizer that belongs to the model"):
            build(Network(weights=Folder(folder=tmp_path / "b")))


def test_a_hub_model_that_cannot_be_had_is_one_sentence(monkeypatch):
    from railyard.stage2.model.build import build

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="cannot be had from the hub"):
        build(Network(weights=Hub(name="nobody/nothing-at-all", revision="main")))


def test_random_weights_with_a_tokenizer_of_their_own(tmp_path):
    from tiny_detector import tiny_detector

    from railyard.stage2.model.build import build

    first = tiny_detector()
    folders.write(tmp_path / "a", first)
    shape = Random(hidden=64, layers=1, vision_hidden=32, tokenizer=tmp_path / "a")
    assert build(Network(weights=shape)).tokenizer.to_str() == first.tokenizer.to_str()
