"""`valuation_types.json`: which kind of value the EVs of a row are, by the id the row carries.

The file maps names to ids. Ids are dense from 0, so that a reader may index a tuple with them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from railyard.board.packs.schema import VALUATION_NAMES
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json

LIMIT = 256  # the id is one byte of a row


class ValuationIds:
    """Gives ids to names in encounter order, after the base names."""

    def __init__(self) -> None:
        self._ids = {name: index for index, name in enumerate(VALUATION_NAMES)}

    def of(self, names: Iterable[str]) -> list[int]:
        """Ids of `names`, new ones appended; UserError beyond 256 names in all."""
        ids = [self._ids.setdefault(name, len(self._ids)) for name in names]
        if len(self._ids) > LIMIT:
            raise UserError(f"the logs name {len(self._ids)} valuation types, a pack holds at most {LIMIT}")
        return ids

    def write(self, path: Path) -> None:
        """Writes the names with their ids, in the order of the ids."""
        write_valuation_names(path, list(self._ids))


def write_valuation_names(path: Path, names: Sequence[str]) -> None:
    """Writes names, given by id."""
    durable.write_json(path, {name: index for index, name in enumerate(names)})


def read_valuation_names(path: Path) -> tuple[str, ...]:
    """Names by id; UserError unless the file maps names to the ids 0, 1, 2, … without a gap."""
    ids = read_json(path, missing="a pack needs it to tell what its EVs mean, restore it")
    _check_direction(path, ids)
    names = tuple(sorted(ids, key=ids.__getitem__))
    if [ids[name] for name in names] != list(range(len(names))) or not 0 < len(names) <= LIMIT:
        found = ", ".join([str(ids[name]) for name in names[:8]] + ["…"] * (len(names) > 8))
        raise UserError(f"{path} has {len(names)} ids ({found}); expected at most {LIMIT}, 0, 1, 2, … without a gap")
    return names


def _check_direction(path: Path, ids: Any) -> None:
    wanted = 'an object of names to ids, as {"search": 0, "tuple11": 1, "tuple10": 2}'
    if ids and all(isinstance(value, str) for value in ids.values()):
        raise UserError(f"{path} maps ids to names; expected {wanted}: turn it round")
    if not all(type(value) is int for value in ids.values()):
        raise UserError(f"{path} has an id that is not a whole number; expected {wanted}: mend it")
