"""What Python says of games and queries; `python tests/helpers/viewer_fixtures.py` writes it for the viewer's tests.

A game is told by its seed, its first board (null: the opening of the seed) and its moves; `boards` is the sha256 of all
boards before and after them, 16 digits of base 17 each.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.game.boards import decode, encode
from railyard.board.game.games import END_REASONS, NO_LEGAL_MOVE, NUMBER, TILE_TOO_LARGE
from railyard.board.game.moves import makes_17, move
from railyard.board.game.rules import legal_bits_of
from railyard.board.game.spawn import opening, tile_after
from railyard.core.errors import UserError
from railyard.core.query import parse

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "viewer"
GAMES, SEED = 40, 20
LETTERS, DIGITS = "udlr", "0123456789abcdefg"
QUERIES = (
    "",
    "disagreement=1, entropy>0.9, score>=100000",
    "valuation=search and ev_loss > 1e2",
    "valuation!='tuple 11', note=\"a, b\"",
    "tag=x",
    "seed=18446744073709551615",
    "played_loss=null , value_p_die != null",
    "policy<=.5 and logit_gap>=-2.",
    "words=two words and x==3",
    "flag=true, other=False",
    "when<2026, name>=a",
    "android=1",
    "a=1 andb=2",
    "entropy>high",
    "entropy",
    "entropy>",
    "a=1,",
    "a=1 and",
    "a=1 b",
    "a=>1",
    "a=1,,b=2",
    "a='open",
    "=1",
    "a=1;b=2",
)


def games(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Games of random legal moves: every other one from a made-up board with tiles up to 65536."""
    rng = random.Random(seed)
    for number in range(count):
        game_seed = rng.getrandbits(64)
        start = None if number % 2 else made_up(rng)
        yield game(game_seed, start, rng)


def made_up(rng: random.Random) -> list[int]:
    """A board where large equal tiles stand beside each other."""
    ranks = rng.choice(([0, 1, 2, 3], [0, 14, 15, 16], [0, 0, 15], [0, 1, 8, 16], list(range(17))))
    return [rng.choice(ranks) for _ in range(16)]


def game(seed: int, start: list[int] | None, rng: random.Random) -> dict[str, Any]:
    board, mask = _first(seed, start)
    digest, moves, score, ended = hashlib.sha256(_text(board, mask)), [], 0, NO_LEGAL_MOVE
    while legal := [direction for direction in range(4) if legal_bits_of(board, mask) >> direction & 1]:
        direction = rng.choice(legal)
        moves.append(LETTERS[direction])
        if makes_17(board, mask, direction):
            ended = TILE_TOO_LARGE
            break
        after, mask, reward = (np.uint64(value) for value in move(board, mask, direction))
        board, mask = np.uint64(tile_after(after, np.uint64(seed), NUMBER, len(moves) - 1)), np.uint16(mask)
        score += int(reward)
        digest.update(_text(board, mask))
    return {
        "seed": str(seed),
        "start": None if start is None else "".join(DIGITS[rank] for rank in start),
        "moves": "".join(moves),
        "boards": digest.hexdigest(),
        "score": score,
        "ended": END_REASONS[ended],
    }


def _first(seed: int, start: list[int] | None) -> tuple[np.uint64, np.uint16]:
    if start is None:
        return np.uint64(opening(np.uint64(seed), NUMBER)), np.uint16(0)
    boards, masks = encode(np.array([start], np.uint8))
    return boards[0], masks[0]


def _text(board: np.uint64, mask: np.uint16) -> bytes:
    exponents = decode(np.array([board], np.uint64), np.array([mask], np.uint16))[0]
    return "".join(DIGITS[rank] for rank in exponents).encode()


def queries() -> list[dict[str, Any]]:
    """What the grammar makes of each text: its conditions, or null where it refuses it."""
    return [{"text": text, "conditions": _conditions(text)} for text in QUERIES]


def _conditions(text: str) -> list[list[Any]] | None:
    try:
        found = parse(text)
    except UserError:
        return None
    return [[each.key, each.operator, str(each.value) if _is_long(each.value) else each.value] for each in found]


def _is_long(value: Any) -> bool:
    """Whole numbers that JavaScript would round are told in digits."""
    return isinstance(value, int) and abs(value) >= 2**53


def texts() -> dict[str, str]:
    """The files by name."""
    lines = [json.dumps(each) for each in games(GAMES, SEED)]
    asked = [json.dumps(each) for each in queries()]
    return {"games.jsonl": "\n".join(lines) + "\n", "queries.jsonl": "\n".join(asked) + "\n"}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text)
