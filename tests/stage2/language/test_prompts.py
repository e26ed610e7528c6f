import pytest

from railyard.stage2.language.chat import conversation, encode_prompt, prompt_text
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.prompts import PROMPT
from railyard.stage2.language.tokenizer import vocabulary_of
from railyard.stage2.scenes.coordinates import TOKENS

VOCABULARY = vocabulary_of(train_tokenizer([prompt_text(PROMPT)]))


@pytest.mark.parametrize(
    "words",
    [
        "one JSON object",
        '"object_1"',
        '"desc"',
        "English",
        "exactly one geometry key",
        '"bbox_2d"',
        TOKENS[0],
        TOKENS[999],
        "from the top of the image to the bottom",
        "from left to right",
        "plain numbers are not allowed",
        "{}",
    ],
)
def test_the_system_text_tells_the_format(words):
    assert words in PROMPT.system


def test_training_begins_with_the_ids_that_a_rollout_goes_on_from():
    rollout_ids = encode_prompt(12, VOCABULARY)
    answer = VOCABULARY.encode("{}")
    sample = conversation(encode_prompt(12, VOCABULARY), answer, VOCABULARY, sample="a", max_tokens=4096)
    assert sample.ids_T[: sample.answer.start].tolist() == rollout_ids.tolist()
    assert VOCABULARY.join(rollout_ids)[0].decode() == prompt_text(PROMPT, 12)
