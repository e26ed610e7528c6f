"""ChatML turns: the prompt with its image, the answer after it, and what of it is learned.

Texts come from `prompts.py`, answers as ids from `encoding.py` or from a rollout; ids go to the model.
`TEMPLATE` is the same as a chat template of transformers; it is saved with a tokenizer.
Legend: T tokens.
"""

from dataclasses import dataclass

import numpy as np

from railyard.core.arrays import I64, Bool
from railyard.core.errors import UserError
from railyard.stage2.language.prompts import PROMPT, Prompt
from railyard.stage2.language.tokenizer import IM_START, IMAGE_PAD, VISION_END, VISION_START
from railyard.stage2.language.vocabulary import IM_END, Ids, Vocabulary
from railyard.stage2.scenes.resize import FACTOR

IMAGE = f"{VISION_START}{IMAGE_PAD}{VISION_END}"

TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '" + IM_START + "' + message.role + '\\n' }}"
    "{%- if message.content is string %}{{- message.content }}"
    "{%- else %}{%- for part in message.content %}"
    "{%- if part.type == 'image' %}{{- '" + IMAGE + "' }}{%- else %}{{- part.text }}{%- endif %}"
    "{%- endfor %}{%- endif %}"
    "{{- '" + IM_END + "\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '" + IM_START + "assistant\\n' }}{%- endif %}"
)


@dataclass(frozen=True)
class Conversation:
    """A prompt and its answer as ids.

    `supervised_T`: true on the answer and on the `<|im_end|>` after it, the only turn end that is learned; false on
    the prompt and on the newline that closes the turn. `answer`: the answer's tokens, without `<|im_end|>`.
    """

    ids_T: I64
    supervised_T: Bool
    answer: slice


def prompt_text(prompt: Prompt, image_tokens: int = 1) -> str:
    """The prompt's turns up to where the answer begins."""
    image = f"{VISION_START}{IMAGE_PAD * image_tokens}{VISION_END}"
    return f"{_turn('system', prompt.system)}{_turn('user', image + prompt.user)}{IM_START}assistant\n"


def image_tokens(width: int, height: int, sample: str) -> int:
    """How many tokens an image of this size (pixels) is. UserError unless both sides are multiples of 32."""
    if min(width, height) < FACTOR or width % FACTOR or height % FACTOR:
        raise UserError(
            f"{sample}: the image is {width} x {height}, but both sides have to be multiples of {FACTOR}: "
            "resize the data set with railyard convert"
        )
    return (width // FACTOR) * (height // FACTOR)


def encode_prompt(image_tokens: int, vocabulary: Vocabulary, prompt: Prompt = PROMPT) -> I64:
    """The ids of the prompt [T]: what a rollout goes on from and what a training sample begins with."""
    (pad,) = vocabulary.encode(IMAGE_PAD)
    ids = np.array(vocabulary.encode(prompt_text(prompt)), np.int64)
    return np.repeat(ids, np.where(ids == pad, image_tokens, 1))


def encode_assistant(answer: Ids, vocabulary: Vocabulary) -> I64:
    """The ids of an answer, of `<|im_end|>` and of the newline after it."""
    return np.concatenate([np.asarray(answer, np.int64), [vocabulary.im_end], vocabulary.encode("\n")])


def conversation(prompt_ids: I64, answer: Ids, vocabulary: Vocabulary, *, sample: str, max_tokens: int) -> Conversation:
    """Prompt and answer as one sequence.

    UserError, naming the sample, if it is longer than `max_tokens` (never cut) or if the answer ends its own turn: what
    came after would be learned as part of the answer.
    """
    if vocabulary.im_end in answer:
        raise UserError(f"{sample}: the answer holds {IM_END}, which is added after it: leave it out of the answer")
    ids_T = np.concatenate([prompt_ids, encode_assistant(answer, vocabulary)])
    if len(ids_T) > max_tokens:
        raise UserError(
            f"{sample}: prompt and answer are {len(ids_T)} tokens, but at most {max_tokens} are allowed: "
            "raise the limit, or use a smaller image or fewer objects"
        )
    start, end = len(prompt_ids), len(prompt_ids) + len(answer)
    supervised_T = np.zeros(len(ids_T), bool)
    supervised_T[start : end + 1] = True
    return Conversation(ids_T, supervised_T, slice(start, end))


def _turn(role: str, content: str) -> str:
    return f"{IM_START}{role}\n{content}{IM_END}\n"
