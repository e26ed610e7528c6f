"""One decision of a raw log, read but not yet labelled: what both readers of step lines fill."""

import numpy as np

# fields bear the names of the log's keys; what a log leaves out is filled in
RAW = np.dtype(
    [
        ("line", "<i8"),  # in the steps file, from 1
        ("seed", "<u8"),
        ("step_index", "<u4"),
        ("branch_evs", "<f4", (4,)),  # UDLR, NaN where null or absent
        ("valuation_type", "<u2"),  # index into the game's valuation names
        ("move", "u1"),  # 0 up, 1 down, 2 left, 3 right
        ("max_rank", "u1"),
        ("board", "u1", (16,)),  # exponents from 0 to 30
    ]
)
