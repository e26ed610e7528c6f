"""The modes of a ranker: what it was trained for, as configs and bundles name it. Imports nothing heavy.

strict is the source's own; topk, rerank and ranking are its relaxations A, B and C.
"""

from typing import Literal, get_args

Mode = Literal["strict", "topk", "rerank", "ranking"]
MODES: tuple[str, ...] = get_args(Mode)
