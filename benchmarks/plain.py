"""The alternative that research scripts use: one row at a time in Python and NumPy, then a stack."""

from typing import Any

import numpy as np

from railyard.board.packs.pack import Pack
from railyard.board.tokens.macroxue import MacroxueTokenizer


class PlainRows:
    """Decodes and tokenises row by row, by the rules that the compiled kernel follows."""

    def __init__(self, pack: Pack, tokenizer: MacroxueTokenizer) -> None:
        self.pack = pack
        self.tokenizer = tokenizer
        self.edges = {name: np.asarray(edges) for name, edges in tokenizer.edges.items()}

    def batch(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        items = [self.row(self.pack.rows.gather(np.array([row]))[0]) for row in rows]
        return np.stack([board for board, _ in items]), np.stack([tokens for _, tokens in items])

    def tokens(self, rows: Any) -> np.ndarray:
        return np.stack([self.classes(row) for row in rows])

    def row(self, row: Any) -> tuple[np.ndarray, np.ndarray]:
        board, mask = int(row["board"]), int(row["tile_65536_mask"])
        cells = [16 if mask >> i & 1 else board >> (60 - 4 * i) & 15 for i in range(16)]
        return np.array(cells, np.uint8), self.classes(row)

    def classes(self, row: Any) -> np.ndarray:
        name = self.pack.valuation_names[row["valuation_type"]]
        move, bins = int(row["move_dir"]), self.tokenizer.num_bins
        values = row["branch_evs"].astype(np.float64)
        advantage = np.round(values * 1000) - row["board_eval"] if name == "search" else values
        tie, tokens = (0.5 if name == "search" else 1e-9), np.zeros(4, np.uint8)
        for branch in range(4):
            difference = advantage[branch] - advantage[move]
            failed = advantage[branch] < self.tokenizer.failure_cutoff if name == "search" else values[branch] <= 1e-9
            if branch == move:
                tokens[branch] = bins + 2
            elif not row["ev_legal"] >> branch & 1:
                tokens[branch] = 0
            elif abs(difference) <= tie:
                tokens[branch] = bins + 1
            elif failed:
                tokens[branch] = 1
            else:
                index = int(np.searchsorted(self.edges[name], difference, side="right")) - 1
                tokens[branch] = 2 + min(max(index, 0), bins - 1)
        return tokens
