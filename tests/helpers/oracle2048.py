"""2048 and the teacher's search as their rules read, in plain Python: what the compiled engine is tested against.

A board is a tuple of 16 exponents, row-major; an exponent never exceeds 16, as in a packed board. Moves are UDLR.
"""

from functools import cache
from itertools import pairwise

TILES = ((1, 0.9, 1), (2, 0.1, 2))  # exponent, probability, chance layers that it costs


@cache
def slide(line):
    """A line after a move towards its first cell, and the merge reward."""
    tiles, out, reward = [tile for tile in line if tile], [], 0
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile:
            reward, tile = reward + 2 * 2 ** tiles.pop(0), min(tile + 1, 16)
        out.append(tile)
    return (*out, *[0] * (4 - len(out))), reward


def moves(board):
    """Four pairs of afterstate and reward; the board itself where a move is illegal."""
    for lines in ([range(i, 16, 4) for i in range(4)], [range(4 * i, 4 * i + 4) for i in range(4)]):
        for order in (1, -1):
            after, total = [0] * 16, 0
            for line in lines:
                slid, reward = slide(tuple(board[cell] for cell in line[::order]))
                total += reward
                for cell, tile in zip(line[::order], slid, strict=True):
                    after[cell] = tile
            yield tuple(after), total


@cache
def line_value(line):
    tiles = [rank * 2**rank for rank in line]
    steps = [a + b + (a if a == b else 0) if a >= b else 12 * (a - b) for a, b in pairwise(tiles)]
    return tiles[0] + sum(steps)


def static(board):
    return sum(line_value(board[4 * i : 4 * i + 4]) + line_value(board[i::4]) for i in range(4))


def evs(board, depth):
    """The EVs UDLR of a board, 0 where a move is illegal."""
    rank = max(board)
    bound = 2 * rank * 2**rank
    prunes, dead, known = static(board) >= 0, -max(131072, bound), {}

    def chance(after, layers):
        value = static(after)
        if layers <= 0 or (prunes and value < bound):
            return value
        if (after, layers) not in known:
            empty = [cell for cell in range(16) if after[cell] == 0]
            known[after, layers] = sum(
                probability * best((*after[:cell], tile, *after[cell + 1 :]), layers - cost)
                for cell in empty
                for tile, probability, cost in TILES
            ) / len(empty)
        return known[after, layers]

    def best(state, layers):
        return max((chance(after, layers) for after, _ in moves(state) if after != state), default=dead)

    return [chance(after, depth) / 1000 if after != board else 0.0 for after, _ in moves(board)]
