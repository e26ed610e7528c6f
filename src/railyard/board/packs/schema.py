"""What packs look like on disk: the rows, the file names, the base valuation names.

A pack of teacher rows is a folder with `steps.npy` (or `steps-00000.npy`, …), `metadata.db`,
`valuation_types.json` and, when Railyard wrote it, `manifest.json`.
"""

import numpy as np

SCHEMA_VERSION = 1

# 46 bytes, packed (NumPy's align=True would make 48); existing packs have exactly these names in this order
STEP = np.dtype(
    [
        ("run_id", "<u4"),  # equals runs.id, contiguous from 0
        ("step_index", "<u4"),
        ("board", "<u8"),  # 16 nibbles, cell 0 first
        ("board_eval", "<i4"),  # the static heuristic, read in one direction only
        ("tile_65536_mask", "<u2"),  # bit i: cell i holds exponent 16 or more
        ("move_dir", "u1"),  # 0 up, 1 down, 2 left, 3 right
        ("valuation_type", "u1"),  # id in valuation_types.json
        ("ev_legal", "u1"),  # bits 1, 2, 4, 8 = UDLR
        ("max_rank", "u1"),
        ("seed", "<u4"),  # low 32 bits; runs.seed has all 64
        ("branch_evs", "<f4", (4,)),  # UDLR, 0.0 where the log had null
    ]
)

# what self-play records: the board before each decision, 28 bytes packed; it is step_idx here
SELFPLAY = np.dtype([("run_id", "<u8"), ("step_idx", "<u4"), ("exps", "u1", (16,))])

VALUATION_NAMES = ("search", "tuple11", "tuple10")

STEPS_STEM = "steps"
EMBEDDINGS_STEM = "embeddings"  # of self-play
METADATA_FILE = "metadata.db"
VALUATION_FILE = "valuation_types.json"
MANIFEST_FILE = "manifest.json"
