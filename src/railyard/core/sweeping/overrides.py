"""Overrides of a sweep as typed, in Hydra's syntax: which of them name several values, and which values.

model.optimizer.lr=1e-3,3e-3   seed=range(0,3)   model=glob(board_*)   model.ema_decay=choice(0.9,0.99)
"""

from collections.abc import Iterable

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from railyard.core.config.words import unreadable
from railyard.core.errors import UserError


def parse(word: str) -> Override:
    """One override as Hydra reads it, which says by `is_sweep_override()` and the like what it names."""
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException as fault:
        raise UserError(unreadable(word, fault)) from None
    hydra = GlobalHydra.instance()
    override.config_loader = hydra.config_loader() if hydra.is_initialized() else None  # a glob lists options
    return override


def split(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Overrides that name one value, and those that name several."""
    fixed: list[str] = []
    swept: list[str] = []
    for word in words:
        override = parse(word)
        several = override.is_sweep_override()
        if several and override.is_hydra_override():
            raise UserError(f"'{word}': a key of Hydra itself has one value for the whole sweep")
        (swept if several else fixed).append(word)
    return fixed, swept


def key(word: str) -> str:
    """The key that an override sets, without the `+` and `++` before it."""
    return parse(word).key_or_group


def values(word: str) -> list[str]:
    """The overrides of single values that one of several values, or of one, stands for."""
    override = parse(word)
    if not override.is_sweep_override():
        return [word]
    if override.is_interval_sweep():
        raise UserError(f"'{word}': a grid needs single values, an interval has none; use range(start,stop,step)")
    found = [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
    if not found:
        raise UserError(f"'{word}' names no value at all")
    return found


def sets(word: str, keys: Iterable[str]) -> bool:
    """Whether an override sets one of these keys or something inside it."""
    name = key(word)
    return any(name == known or name.startswith((f"{known}.", f"{known}/")) for known in keys)
