"""Railyard: training with Lightning and Hydra, for three lines of research (2048, an image codec, boxes).

`compose`, `train`, `evaluate` and `Run` are for notebooks and scripts; they come from `railyard.notebook`, which is
imported when one of them is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from railyard.core.package import __version__ as __version__

if TYPE_CHECKING:
    from railyard.notebook import Plan, Run, compose, evaluate, train
__all__ = ["Plan", "Run", "compose", "evaluate", "train"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'railyard' has no attribute {name!r}")
    return getattr(importlib.import_module("railyard.notebook"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
