"""A tokenizer small enough to read: coordinates and <|im_end|> are whole, then fused pieces, else one id a character.

Ids 0..999 are the coordinates, 1000 is <|im_end|>, the fused pieces follow, then the characters in order of first use
in the texts that it was made for.
"""

import re

import numpy as np

from railyard.stage2.language.vocabulary import IM_END, Vocabulary
from railyard.stage2.scenes.coordinates import TOKENS


def toy_vocabulary(*texts: str, fused: tuple[str, ...] = ()) -> Vocabulary:
    characters = dict.fromkeys("".join(texts))
    pieces = [*TOKENS, IM_END, *fused, *(c for c in characters if c not in fused)]
    ids = {piece: number for number, piece in enumerate(pieces)}
    longest_first = sorted(fused, key=len, reverse=True)
    split = re.compile("|".join([r"<\|coord_\d{1,3}\|>", re.escape(IM_END), *map(re.escape, longest_first), "."]), re.S)

    def encode(text: str) -> list[int]:
        return [ids[piece] for piece in split.findall(text)]

    return Vocabulary(tuple(piece.encode() for piece in pieces), np.arange(len(TOKENS)), ids[IM_END], encode)
