import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from railyard.core.errors import UserError
from railyard.stage2.language.extension import WILDCARD, add_coordinates, extend_model, extend_rows
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.tokenizer import SPECIALS, vocabulary_of, whole_token
from railyard.stage2.scenes.coordinates import TOKENS

VOCABULARY = vocabulary_of(train_tokenizer([]))
BASE = 256 + len(SPECIALS)


def base_tokenizer(ids: int) -> Tokenizer:
    """A byte-level tokenizer with this many ids, of which the last are the special tokens and no coordinates."""
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces += [f"x{number}" for number in range(ids - len(pieces) - len(SPECIALS))]
    tokenizer = Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([whole_token(text) for text in SPECIALS])
    return tokenizer


def weights(rows: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return (0.02 * torch.randn(rows, 64, generator=torch.Generator().manual_seed(0))).to(dtype)


@pytest.mark.parametrize("ids", [BASE, pytest.param(151_669, marks=pytest.mark.slow)])
def test_layout_of_public_checkpoints(ids):
    """A tokenizer of Qwen3-VL has 151,669 ids."""
    extended = add_coordinates(base_tokenizer(ids))
    vocabulary = vocabulary_of(extended)
    assert extended.token_to_id(WILDCARD) == ids
    assert vocabulary.coord_ids_1000.tolist() == list(range(ids + 1, ids + 1001))
    assert len(vocabulary.pieces) == ids + 1001


def test_what_is_there_is_not_added_again_and_the_original_stays():
    tokenizer = base_tokenizer(BASE)
    once = add_coordinates(tokenizer, wildcard=False)
    assert once.token_to_id(WILDCARD) is None
    assert add_coordinates(once, wildcard=False).to_str() == once.to_str()
    assert tokenizer.token_to_id(TOKENS[0]) is None


def test_a_coordinate_among_the_base_pieces_becomes_whole():
    pieces = {piece: number for number, piece in enumerate([*sorted(pre_tokenizers.ByteLevel.alphabet()), TOKENS[0]])}
    tokenizer = base_tokenizer(BASE)
    tokenizer.model = models.BPE(pieces, [])
    assert vocabulary_of(add_coordinates(tokenizer)).coord_ids_1000[0] == 256


@pytest.mark.parametrize(
    ("rows", "dtype"),
    [(BASE, torch.float32), (BASE + 400, torch.bfloat16), (BASE + 1100, torch.float32)],
)
def test_rows_of_coordinates_lie_on_the_line_of_the_digits(rows, dtype):
    weight = weights(rows, dtype)
    extended = extend_rows(weight, VOCABULARY)
    ids = VOCABULARY.coord_ids_1000
    assert (extended.shape, extended.dtype) == ((max(rows, BASE + 1000), 64), dtype)
    digits = weight[[VOCABULARY.encode(digit)[0] for digit in "0123456789"]].double()
    design = torch.stack([torch.ones(10), torch.arange(10.0)], 1).double()
    line = torch.linalg.lstsq(design, digits).solution
    expected = line[0] + torch.arange(1000)[:, None] * 9 / 999 * line[1]
    torch.testing.assert_close(
        extended[ids].double(), expected, atol=1e-8 if dtype == torch.float32 else 2e-4, rtol=1e-2
    )
    assert torch.equal(extended[:BASE], weight[:BASE])
    assert torch.equal(extended[BASE + 1000 :], weight[BASE + 1000 :])
    assert not extended.requires_grad


def test_fresh_rows_of_other_ids_are_the_mean_of_the_digits():
    vocabulary = vocabulary_of(add_coordinates(base_tokenizer(BASE)))
    weight = weights(BASE)
    digits = weight[[vocabulary.encode(digit)[0] for digit in "0123456789"]]
    torch.testing.assert_close(extend_rows(weight, vocabulary)[BASE], digits.mean(0))


def test_digits_without_rows_are_refused():
    with pytest.raises(UserError, match=r"the digit 0 is encoded as .* the embedding has 5 rows"):
        extend_rows(weights(5), VOCABULARY)


@pytest.mark.parametrize(
    ("weight", "said"), [(torch.zeros(BASE, 8), "only 1 of the 1000"), (torch.full((BASE, 8), torch.inf), "not finite")]
)
def test_rows_that_would_not_be_finite_and_distinct_are_refused(weight, said):
    with pytest.raises(UserError, match=said):
        extend_rows(weight, VOCABULARY)


class Embedding:
    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = torch.nn.Parameter(weight)


class SmallModel:
    """Input and output embeddings that are resized as transformers does: old rows kept, fresh ones zero."""

    def __init__(self, tied: bool) -> None:
        self.input = Embedding(weights(BASE))
        self.output = self.input if tied else Embedding(2 * weights(BASE))

    def get_input_embeddings(self) -> Embedding:
        return self.input

    def get_output_embeddings(self) -> Embedding:
        return self.output

    def resize_token_embeddings(self, rows: int, mean_resizing: bool) -> None:
        assert not mean_resizing
        for each in {self.input, self.output}:
            fresh = torch.zeros(rows - len(each.weight), each.weight.shape[1])
            each.weight = torch.nn.Parameter(torch.cat([each.weight.detach(), fresh]))


@pytest.mark.parametrize("tied", [True, False])
def test_both_embeddings_of_a_model_are_extended(tied):
    model = SmallModel(tied)
    extend_model(model, VOCABULARY)
    assert torch.equal(model.input.weight, extend_rows(weights(BASE), VOCABULARY))
    assert torch.equal(model.output.weight, extend_rows((1 if tied else 2) * weights(BASE), VOCABULARY))
    assert (model.input.weight is model.output.weight) == tied


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
def test_a_model_of_transformers_is_extended(tied):
    from tiny_qwen3vl import tiny_qwen3vl

    base = base_tokenizer(BASE)
    vocabulary = vocabulary_of(add_coordinates(base))
    model = tiny_qwen3vl(BASE + 300, {text: base.token_to_id(text) for text in SPECIALS}, tied)
    before, head = (each.weight.detach().clone() for each in (model.get_input_embeddings(), model.lm_head))
    extend_model(model, vocabulary)
    assert torch.equal(model.get_input_embeddings().weight, extend_rows(before, vocabulary))
    assert torch.equal(model.lm_head.weight, extend_rows(head, vocabulary))
    assert (model.lm_head.weight is model.get_input_embeddings().weight) == tied
    assert model.config.text_config.vocab_size == len(vocabulary.pieces) == BASE + 1001
