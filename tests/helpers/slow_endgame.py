"""The chance of an endgame's goal as its rules read: a recursion over boards in plain Python, without rounding."""

from functools import cache

from oracle2048 import moves

from railyard.board.game.endgame.patterns import SPARE


class SlowEndgame:
    """A pattern's chances; boards are tuples of 16 exponents with the walls 15, 14, … in place."""

    def __init__(self, pattern):
        self.pattern = pattern
        self.after, self.best = cache(self._after), cache(self._best)

    def fits(self, board):
        walls = all(board[cell] == 15 - k for k, cell in enumerate(self.pattern.walls))
        return walls and all(board[cell] <= cap for cell, cap in self.pattern.caps.items())

    def branch(self, board, after):
        """The chance after a move."""
        walls = all(board[cell] == after[cell] for cell in self.pattern.walls)
        if after == board or not walls:
            return 0.0
        if self.fits(after):
            return self.after(after)
        return float(any(after[cell] == self.pattern.goal for cell in self.pattern.targets) or self._chained(after))

    def _chained(self, after):
        for chain in self.pattern.chains:
            held, wanted = [after[cell] for cell in chain], self.pattern.goal - 1
            if held[-1] == held[-2] and held[:-1] == list(range(wanted, wanted - len(chain) + 1, -1)):
                return True
        return False

    def _after(self, board):
        empty = [cell for cell in range(16) if board[cell] == 0]
        grown = [(p, (*board[:cell], tile, *board[cell + 1 :])) for cell in empty for tile, p in ((1, 0.9), (2, 0.1))]
        return sum(p * self.best(each) for p, each in grown) / len(empty)

    def _best(self, board):
        if sum(2 ** board[cell] for cell in self.pattern.caps if board[cell]) > SPARE * 2**self.pattern.goal:
            return 0.0
        return max(self.branch(board, after) for after, _ in moves(board))
