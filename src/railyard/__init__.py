"""Railyard: training with Lightning and Hydra, for three lines of research (2048, an image codec, boxes).

`compose`, `train`, `evaluate`, `Run` and `Session` are for notebooks and scripts, `loader` for data of one's own; their
modules are imported when one of them is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from railyard.core.package import __version__ as __version__

if TYPE_CHECKING:
    from railyard.board.annotation.session import Session
    from railyard.core.training.own_rows import loader
    from railyard.notebook import Plan, Run, compose, evaluate, train
__all__ = ["Plan", "Run", "Session", "compose", "evaluate", "loader", "train"]
# not in railyard.notebook
_ELSEWHERE = {"Session": "railyard.board.annotation.session", "loader": "railyard.core.training.own_rows"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'railyard' has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE.get(name, "railyard.notebook")), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
