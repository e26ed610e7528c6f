import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qwen_like import qwen_like

from railyard.core.errors import UserError
from railyard.stage2.language.chat import (
    TEMPLATE,
    conversation,
    encode_assistant,
    encode_prompt,
    image_tokens,
    prompt_text,
)
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.prompts import PROMPT, Prompt
from railyard.stage2.language.rendering import render
from railyard.stage2.language.tokenizer import vocabulary_of
from railyard.stage2.scenes.records import SceneObject

ANSWER = render([SceneObject("cat", (1, 2, 3, 4))])
TOKENIZER = train_tokenizer([prompt_text(PROMPT), ANSWER])
VOCABULARY = vocabulary_of(TOKENIZER)


def messages(asked: Prompt, answer: str | None = None) -> list[dict]:
    user = [{"type": "image"}, {"type": "text", "text": asked.user}]
    turns = [{"role": "system", "content": asked.system}, {"role": "user", "content": user}]
    return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]


@pytest.fixture(scope="module")
def of_transformers():
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=TOKENIZER, chat_template=TEMPLATE)
    return lambda *turns, **options: tokenizer.apply_chat_template(messages(*turns), **options)


@settings(max_examples=20)
@given(st.builds(Prompt, st.text(max_size=20), st.text(max_size=20)))
def test_turns_are_those_of_the_template(of_transformers, asked):
    assert prompt_text(asked) == of_transformers(asked, tokenize=False, add_generation_prompt=True)
    assert f"{prompt_text(asked)}{ANSWER}<|im_end|>\n" == of_transformers(asked, ANSWER, tokenize=False)


def test_ids_are_those_of_the_template(of_transformers):
    ids = of_transformers(PROMPT, ANSWER, return_dict=False)
    sample = conversation(
        encode_prompt(1, VOCABULARY), VOCABULARY.encode(ANSWER), VOCABULARY, sample="a", max_tokens=4096
    )
    assert sample.ids_T.tolist() == ids


@pytest.mark.parametrize("vocabulary", [VOCABULARY, vocabulary_of(qwen_like([prompt_text(PROMPT), ANSWER]))])
def test_prompt_and_answer_by_themselves_are_the_ids_of_the_whole(vocabulary):
    prompt_ids = encode_prompt(4, vocabulary)
    sample = conversation(prompt_ids, vocabulary.encode(ANSWER), vocabulary, sample="a", max_tokens=4096)
    assert sample.ids_T.tolist() == vocabulary.encode(f"{prompt_text(PROMPT, 4)}{ANSWER}<|im_end|>\n")


def test_the_answer_and_the_end_of_its_turn_are_learned():
    prompt_ids, answer = encode_prompt(6, VOCABULARY), VOCABULARY.encode(ANSWER)
    sample = conversation(prompt_ids, answer, VOCABULARY, sample="a", max_tokens=4096)
    assert sample.ids_T[sample.answer].tolist() == answer
    assert VOCABULARY.join(sample.ids_T[sample.supervised_T])[0].decode() == ANSWER + "<|im_end|>"
    assert np.flatnonzero(sample.supervised_T)[0] == sample.answer.start
    assert VOCABULARY.join(sample.ids_T[~sample.supervised_T])[0].decode() == prompt_text(PROMPT, 6) + "\n"


def test_no_answer_is_a_whole_turn():
    assert VOCABULARY.join(encode_assistant([], VOCABULARY))[0] == b"<|im_end|>\n"


def test_over_length_is_an_error_that_names_sample_length_and_limit():
    prompt_ids, answer = encode_prompt(6, VOCABULARY), VOCABULARY.encode(ANSWER)
    length = len(conversation(prompt_ids, answer, VOCABULARY, sample="a", max_tokens=4096).ids_T)
    assert len(conversation(prompt_ids, answer, VOCABULARY, sample="a", max_tokens=length).ids_T) == length
    with pytest.raises(UserError, match=f"train.jsonl:7: .* {length} tokens, .* {length - 1} are"):
        conversation(prompt_ids, answer, VOCABULARY, sample="train.jsonl:7", max_tokens=length - 1)


def test_an_answer_that_ends_its_own_turn_is_refused():
    answer = [*VOCABULARY.encode(ANSWER), VOCABULARY.im_end]
    with pytest.raises(UserError, match="train.jsonl:7: the answer holds <|im_end|>".replace("|", r"\|")):
        conversation(encode_prompt(6, VOCABULARY), answer, VOCABULARY, sample="train.jsonl:7", max_tokens=4096)


def test_image_tokens():
    assert image_tokens(1056, 704, "a") == 33 * 22


@pytest.mark.parametrize("size", [(100, 96), (96, 100), (0, 32), (-32, -32)])
def test_an_image_that_is_no_multiple_of_32_is_refused(size):
    with pytest.raises(UserError, match=rf"b.png: the image is {size[0]} x {size[1]}, .* multiples of 32"):
        image_tokens(*size, "b.png")
