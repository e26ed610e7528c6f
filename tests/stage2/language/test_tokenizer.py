import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from railyard.core.errors import UserError
from railyard.core.store.durable import check_manifest
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.tokenizer import SPECIALS, check, load, save, vocabulary_of, whole_token
from railyard.stage2.language.vocabulary import IM_END, Vocabulary
from railyard.stage2.scenes.coordinates import TOKENS

TEXTS = ['{"object_1": {"desc": "black cat", "bbox_2d": ["', "café 尼克"] * 3
TOKENIZER = train_tokenizer(TEXTS)
VOCABULARY = vocabulary_of(TOKENIZER)


@settings(max_examples=100)
@given(st.lists(st.text(max_size=12) | st.sampled_from((*TOKENS[:3], IM_END, "<|coord_1000|>", "\r\n")), max_size=8))
def test_ids_of_any_text_join_to_its_bytes(parts):
    text = "".join(parts)
    assert VOCABULARY.join(VOCABULARY.encode(text))[0] == text.encode()


def test_a_truncation_that_a_tokenizer_brings_along_is_not_ours():
    tokenizer = train_tokenizer(TEXTS)
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    text = "black cat" * 9
    assert vocabulary_of(tokenizer).encode(text) == VOCABULARY.encode(text)
    assert len(tokenizer.encode(text).ids) == 4


def test_all_bytes_are_pieces():
    assert set(VOCABULARY.pieces[:256]) == {bytes([byte]) for byte in range(256)}


def test_coordinates_are_whole_wherever_they_stand():
    text = "é".join(TOKENS)
    ids = np.array(VOCABULARY.encode(text))
    assert VOCABULARY.bins_V[ids][VOCABULARY.bins_V[ids] >= 0].tolist() == list(range(1000))


def test_a_folder_is_read_back(tmp_path):
    save(TOKENIZER, tmp_path / "t", "{{ messages }}", made_from="a test")
    manifest = check_manifest(tmp_path / "t")
    assert (manifest["kind"], manifest["made_from"]) == ("stage2_tokenizer", "a test")
    assert sorted(manifest["files"]) == ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"]
    assert load(tmp_path / "t").to_str() == TOKENIZER.to_str()


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "model.safetensors").write_text("weights")
    with pytest.raises(UserError, match="exists and is not an empty folder for a tokenizer"):
        save(TOKENIZER, tmp_path, "{{ messages }}")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.slow
def test_transformers_reads_the_folder_without_running_code(tmp_path):
    from transformers import AutoTokenizer

    save(TOKENIZER, tmp_path / "t", "{{ messages }}")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "t", trust_remote_code=False, local_files_only=True)
    assert (theirs.eos_token, theirs.pad_token, theirs.padding_side) == (IM_END, "<|endoftext|>", "left")
    assert theirs.chat_template == "{{ messages }}"
    ours, text = vocabulary_of(theirs), f"café 尼克 {TOKENS[9]}{IM_END}"
    assert (ours.pieces, ours.im_end) == (VOCABULARY.pieces, VOCABULARY.im_end)
    assert ours.encode(text) == VOCABULARY.encode(text) == theirs.encode(text)


NO_UNKNOWN = '{"version": "1.0", "model": {"type": "WordLevel", "vocab": {"cat": 0}, "unk_token": "[UNK]"}}'


@pytest.mark.parametrize("content", [None, "{}", "no json", NO_UNKNOWN])
def test_a_folder_without_a_tokenizer_is_one_sentence(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(UserError, match=r"tokenizer\.json (cannot be read|is not a tokenizer)"):
        load(tmp_path)


def byte_level(*tokens: str, prefix: bool = False) -> Tokenizer:
    tokenizer = train_tokenizer([])
    bare = Tokenizer(models.BPE(tokenizer.get_vocab(with_added_tokens=False), []))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    bare.add_special_tokens([whole_token(text) for text in tokens])
    return bare


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [
        (byte_level(*SPECIALS), r"lacks 1000 of the 1000 coordinate tokens, <\|coord_0\|> first: add them with"),
        (byte_level(*SPECIALS, *TOKENS[:500]), r"lacks 500 of .* <\|coord_500\|> first"),
        (byte_level(*TOKENS), r"has no <\|im_end\|>"),
        (byte_level(IM_END, *TOKENS), r"<\|im_start\|> is to be one token"),
        (byte_level(*SPECIALS, *TOKENS, prefix=True), "changes texts"),
    ],
)
def test_what_a_tokenizer_lacks_is_one_sentence(tokenizer, said):
    with pytest.raises(UserError, match=said):
        vocabulary_of(tokenizer)


def test_a_normaliser_that_changes_letters_is_refused():
    tokenizer = train_tokenizer(TEXTS)
    tokenizer.normalizer = normalizers.Lowercase()
    with pytest.raises(UserError, match="changes texts"):
        vocabulary_of(tokenizer)


def test_pieces_that_are_no_bytes_are_refused():
    tokenizer = byte_level(*SPECIALS, *TOKENS)
    document = json.loads(tokenizer.to_str())
    document["model"]["vocab"]["▁cat"] = 5000
    with pytest.raises(UserError, match="'▁cat' is no piece of a byte-level tokenizer"):
        vocabulary_of(Tokenizer.from_str(json.dumps(document)))


def test_a_coordinate_in_the_base_vocabulary_is_cut_up_and_refused():
    tokenizer = byte_level(*SPECIALS, *TOKENS[1:])
    document = json.loads(tokenizer.to_str())
    document["model"]["vocab"][TOKENS[0]] = 5000
    with pytest.raises(UserError, match=r"<\|coord_0\|> is to be one token, id 5000, but is encoded as"):
        vocabulary_of(Tokenizer.from_str(json.dumps(document)))


def test_two_coordinates_of_one_id_are_refused():
    twice_1000 = VOCABULARY.coord_ids_1000.copy()
    twice_1000[8] = twice_1000[7]
    with pytest.raises(UserError, match=r"<\|coord_8\|> has the id \d+ of another"):
        check(Vocabulary(VOCABULARY.pieces, twice_1000, VOCABULARY.im_end, VOCABULARY.encode))


def test_an_id_without_a_token_has_no_bytes():
    tokenizer = byte_level(*SPECIALS, *TOKENS)
    document = json.loads(tokenizer.to_str())
    document["model"]["vocab"]["ab"] = 2000
    vocabulary = vocabulary_of(Tokenizer.from_str(json.dumps(document)))
    assert (len(vocabulary.pieces), vocabulary.pieces[1999], vocabulary.pieces[2000]) == (2001, b"", b"ab")


def test_an_added_token_that_is_in_the_base_vocabulary_too_is_its_text():
    tokenizer = byte_level(*SPECIALS, *TOKENS)
    document = json.loads(tokenizer.to_str())
    document["model"]["vocab"]["<|a b|>"] = 2000
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.add_special_tokens([whole_token("<|a b|>")])
    assert vocabulary_of(tokenizer).pieces[2000] == b"<|a b|>"


def test_a_whole_token_is_found_before_the_text_is_normalised():
    tokenizer = train_tokenizer(TEXTS)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.add_special_tokens([whole_token("<|A|>")])
    assert [len(tokenizer.encode(text).ids) for text in ("<|A|>", "<|a|>")] == [1, 5]
