"""A small byte-level tokenizer made from texts, without a network: for the offline recipe and for tests.

It has the special tokens and the coordinate tokens of the public checkpoints, at ids of its own.
"""

import re
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from railyard.stage2.language.tokenizer import SPECIALS, whole_token
from railyard.stage2.scenes.coordinates import TOKENS

_WHOLE = re.compile(r"<\|\w+\|>")  # special tokens and coordinates, which cut a text before it is encoded


def train_tokenizer(texts: Iterable[str], entries: int = 512) -> Tokenizer:
    """A byte-level BPE of at most `entries` pieces made from `texts`, then the special tokens, then the coordinates.

    Only what stands between those tokens is learned from, since nothing else is ever encoded in pieces. The same texts
    give the same tokenizer. Any text can be encoded, since all 256 bytes are pieces.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=entries, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator((part for text in texts for part in _WHOLE.split(text)), trainer)
    tokenizer.add_special_tokens([whole_token(text) for text in (*SPECIALS, *TOKENS)])
    return tokenizer
