"""How often the teacher's best move is the move of a log, on the log's search rows, by depth.

    python scripts/teacher_agreement.py PACK [rows]

The logged search of macroxue/2048-ai has the teacher's heuristic, dead ends and bound; it differs in three ways. It
stops a line of play by its probability, where the teacher lets a spawned 4 cost two layers; it rounds every sum to
an integer; and it keeps positions for a whole game. Ties go to the first of up, left, right, down, as in the logs.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.boards import DOWN, LEFT, RIGHT, UP, legal_from_bits
from railyard.board.game.searcher import branch_evs
from railyard.board.packs.pack import Pack
from railyard.core.runs.reporting import table

TIES = [UP, LEFT, RIGHT, DOWN]
DEPTHS = range(1, 6)
ROWS = 4000


def search_rows(pack: Pack, count: int) -> NDArray[np.void]:
    """So many rows valued by search, evenly spread over the pack."""
    kind = pack.valuation_names.index("search")
    rows = np.concatenate([chunk[chunk["valuation_type"] == kind] for _, chunk in pack.rows.chunks(1_000_000)])
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]


def best_moves(evs_N4: NDArray[np.float32], legal_N4: NDArray[np.bool_]) -> NDArray[np.int64]:
    valued_N4 = np.where(legal_N4, evs_N4, -np.inf)[:, TIES]
    return np.array(TIES)[valued_N4.argmax(axis=1)]


def measure(rows: NDArray[np.void], depth: int) -> tuple[str, ...]:
    """Depth, agreement, what the log loses by the teacher's move where it is another, and how far the EVs are."""
    legal_N4 = legal_from_bits(rows["ev_legal"])
    evs_N4 = branch_evs(rows["board"].copy(), rows["tile_65536_mask"].copy(), depth)
    moves_N, logged_N4 = best_moves(evs_N4, legal_N4), rows["branch_evs"]
    other = moves_N != rows["move_dir"]
    places = np.arange(len(rows))
    lost = (logged_N4[places, rows["move_dir"]] - logged_N4[places, moves_N])[other]
    return (
        f"{depth}",
        f"{1 - other.mean():.4f}",
        f"{np.median(lost):.3f}" if len(lost) else "",
        f"{np.median(np.abs(evs_N4 - logged_N4)[legal_N4]):.4f}",
    )


def main() -> None:
    rows = search_rows(Pack.open(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
    header = ("depth", "same move", "median loss where not", "median difference of an EV")
    print(f"{len(rows):,} search rows\n")
    print(table(header, [measure(rows, depth) for depth in DEPTHS]))


if __name__ == "__main__":
    main()
