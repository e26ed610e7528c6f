"""Tokenizers of Hugging Face's fast kind: reading, writing, and what one amounts to as plain values.

`load` reads a folder of a public checkpoint or of `save`; `vocabulary_of` checks a tokenizer and gives what the rest
of the rail works on (`vocabulary.py`). No code of a file is run: a tokenizer is its `tokenizer.json`.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from tokenizers import AddedToken, Tokenizer

from railyard.core import package
from railyard.core.errors import UserError
from railyard.core.making.outputs import refuse_occupied
from railyard.core.store.durable import atomic_folder, write_json, write_manifest, write_text
from railyard.core.store.reading import read_bytes
from railyard.stage2.language.vocabulary import IM_END, Vocabulary
from railyard.stage2.scenes.coordinates import TOKENS

IM_START, VISION_START, VISION_END, IMAGE_PAD = "<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"
PAD = "<|endoftext|>"
SPECIALS = (PAD, IM_START, IM_END, VISION_START, VISION_END, IMAGE_PAD, "<|video_pad|>")
TURN_TOKENS = (IM_START, VISION_START, VISION_END, IMAGE_PAD)  # those of a prompt, beside <|im_end|>
FILE = "tokenizer.json"

# Whatever a tokenizer does to spaces, to characters of several bytes or to a token in its place, it does here.
_PROBE = f' {{"Ab": "é 尼🐈 {TOKENS[7]} ", "{TOKENS[999]}"}}\n {IM_END} '
_EXTEND = "add them with railyard.stage2.language.extension.add_coordinates"


def whole_token(text: str) -> AddedToken:
    """A token that is found before anything else is done to a text, and takes no space beside it along."""
    return AddedToken(text, normalized=False, special=True)


def load(folder: Path | str) -> Tokenizer:
    """The tokenizer of a folder that holds `tokenizer.json`. UserError if there is none that can be read."""
    path = Path(folder) / FILE
    try:
        tokenizer = Tokenizer.from_buffer(read_bytes(path))
        tokenizer.encode(_PROBE)  # what its parts lack is missed only here
        return tokenizer
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a folder that holds a {FILE}") from error
    except Exception as error:  # the library raises none that is narrower
        raise UserError(f"{path} is not a tokenizer ({error}): save it again") from error


def save(tokenizer: Tokenizer, folder: Path | str, chat_template: str, **made_from: Any) -> None:
    """Writes a folder that `load` and transformers' AutoTokenizer read, whole or not at all.

    `made_from`: facts for the manifest, which holds the sha256 of the files as well. UserError if `folder`
    is occupied.
    """
    refuse_occupied(Path(folder), "an empty folder for a tokenizer")
    with atomic_folder(folder) as new:
        write_files(tokenizer, new, chat_template)
        versions = {"railyard_version": package.__version__, "tokenizers_version": tokenizers.__version__}
        write_manifest(new, {"kind": "stage2_tokenizer", **versions, **made_from})


def write_files(tokenizer: Tokenizer, folder: Path, chat_template: str) -> None:
    """The files of a tokenizer in a folder that also holds others, such as a model's."""
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": IM_END,
        "pad_token": PAD,
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
    }
    write_text(folder / FILE, tokenizer.to_str() + "\n")
    write_json(folder / "tokenizer_config.json", config)
    write_text(folder / "chat_template.jinja", chat_template)


def vocabulary_of(tokenizer: Any) -> Vocabulary:
    """The plain values of a byte-level tokenizer: one of the tokenizers package, or a fast one of transformers.

    Raises UserError if it is not byte-level, changes what it encodes, or lacks a token that the rail needs (`check`).
    """
    backend = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
    backend.no_truncation()  # a file, or a call of transformers' long ago, may have set it; it would cut in silence
    backend.no_padding()

    def encode(text: str) -> list[int]:
        ids: list[int] = backend.encode(text, add_special_tokens=False).ids
        return ids

    vocabulary = Vocabulary(_pieces(backend), _coord_ids(backend), _im_end(backend), encode)
    check(vocabulary)
    return vocabulary


def check(vocabulary: Vocabulary) -> None:
    """Raises UserError unless every token that the rail needs is one id, and the ids of a text join to its bytes."""
    coord_ids = vocabulary.coord_ids_1000.tolist()
    if len(set(coord_ids)) < len(TOKENS):
        twice = next(k for k, id_ in enumerate(coord_ids) if id_ in coord_ids[:k])
        raise UserError(
            f"{TOKENS[twice]} has the id {coord_ids[twice]} of another coordinate: save the tokenizer again"
        )
    for text, id_ in zip((*TOKENS, IM_END), (*coord_ids, vocabulary.im_end), strict=True):
        if (ids := vocabulary.encode(text)) != [id_]:
            raise UserError(f"{text} is to be one token, id {id_}, but is encoded as {ids}: {_EXTEND}")
    for text in TURN_TOKENS:
        if len(ids := vocabulary.encode(text)) != 1:
            raise UserError(f"{text} is to be one token, but is encoded as {ids}: take a tokenizer of the Qwen family")
    joined, _ = vocabulary.join(vocabulary.encode(_PROBE))
    if joined != _PROBE.encode():
        raise UserError(
            f"the tokenizer changes texts: {_PROBE!r} became {joined.decode(errors='replace')!r}; "
            "expected a byte-level one that adds and removes nothing"
        )


def _im_end(tokenizer: Tokenizer) -> int:
    id_ = tokenizer.token_to_id(IM_END)
    if id_ is None:
        raise UserError(f"the tokenizer has no {IM_END}, the token that ends a turn: take one of the Qwen family")
    return id_


def _coord_ids(tokenizer: Tokenizer) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    ids = {text: tokenizer.token_to_id(text) for text in TOKENS}
    missing = [text for text, id_ in ids.items() if id_ is None]
    if missing:
        raise UserError(
            f"the tokenizer lacks {len(missing)} of the {len(TOKENS)} coordinate tokens, {missing[0]} first: {_EXTEND}"
        )
    return np.array(list(ids.values()), np.int64)


def _pieces(tokenizer: Tokenizer) -> tuple[bytes, ...]:
    """The bytes of each id; empty for an unused id."""
    added = {id_: token.content for id_, token in tokenizer.get_added_tokens_decoder().items()}
    base = {id_: text for text, id_ in tokenizer.get_vocab(with_added_tokens=False).items() if id_ not in added}
    pieces = [b""] * (max((*added, *base)) + 1)
    for id_, text in added.items():
        pieces[id_] = text.encode()
    for id_, text in base.items():
        pieces[id_] = _bytes_of(text)
    return tuple(pieces)


def _bytes_of(text: str) -> bytes:
    try:
        return bytes(map(_byte_of().__getitem__, text))
    except KeyError as error:
        raise UserError(
            f"{text!r} is no piece of a byte-level tokenizer ({error.args[0]!r} stands for no byte): "
            "take a tokenizer of the Qwen family"
        ) from error


@cache
def _byte_of() -> dict[str, int]:
    """The byte that each character of the byte-level alphabet stands for.

    Bytes that print stand for themselves; the others are moved, in order, to the characters from 256 up (as GPT-2's
    encoder.py began it).
    """
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = [byte for byte in range(256) if byte not in printing]
    return {chr(byte): byte for byte in printing} | {chr(256 + index): byte for index, byte in enumerate(moved)}
