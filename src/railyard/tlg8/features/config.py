"""What a ranker sees of a block: a list of features, with the pixels or without.

Its canonical JSON names every single column; the hash of that keys what was computed from it.
"""

import hashlib
import json
from functools import cached_property
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from railyard.core.config.component import Component
from railyard.tlg8.features.catalogue import KEYS, PIXELS, Price, total_price
from railyard.tlg8.features.expressions import Column, columns_of

SCHEMA_VERSION = 1
MOST_DERIVED = 256  # beside the pixels, as the source allows
ANSWER_MODES = ("strict", "ranking")  # the source's own, and the one that shows what its features are worth


class Features(Component):
    """Which values of a block a ranker is given."""

    columns: list[str] = Field(
        description="keys of the catalogue and transforms of them: log1p, sqrt, square, abs, clip, sum, difference, "
        "product, ratio, bins; at most 256 values in all"
    )
    pixels: bool = Field(True, description="the block's 192 pixels too, divided by 255 and without alpha")
    allow_answer: bool = Field(
        False,
        description="admits scores that exist only after the whole search, in the modes strict and ranking alone: what "
        "is trained on them is marked leaky, and no encoder takes it",
    )

    @field_validator("columns")
    @classmethod
    def _are_features(cls, texts: list[str]) -> list[str]:
        columns = columns_of(texts)
        if len(columns) > MOST_DERIVED:
            raise ValueError(f"{len(columns)} values are more than {MOST_DERIVED}: take fewer")
        names = [column.name for column in columns]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"{twice} is there twice: leave one out")
        return texts

    @model_validator(mode="after")
    def _is_no_answer(self) -> Self:
        if self.is_leaky and not self.allow_answer:
            first = next(name for name in self.keys if KEYS[name].price.kind == "answer")
            raise ValueError(
                f"columns: {first} is known only after the whole search, so it is no feature; in the modes "
                "strict and ranking features.allow_answer=true admits it and marks the result as leaky"
            )
        if not self.columns and not self.pixels:
            raise ValueError("columns: there has to be a feature, or pixels=true")
        return self

    @cached_property
    def parsed(self) -> list[Column]:
        """The columns in their order."""
        return columns_of(self.columns)

    @property
    def bins(self) -> list[Column]:
        """The columns of quantile bins, whose edges are fitted."""
        return [column for column in self.parsed if column.steps[-1].operation == "bins"]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.parsed]

    @property
    def keys(self) -> list[str]:
        """The keys of the catalogue that the columns need, in its order."""
        needed = {name for column in self.parsed for name in column.keys}
        return [name for name in KEYS if name in needed]

    @property
    def is_leaky(self) -> bool:
        return any(KEYS[name].price.kind == "answer" for name in self.keys)

    @property
    def price(self) -> Price:
        """What all columns cost together."""
        return total_price(self.keys)

    @property
    def inputs(self) -> int:
        """Values that a ranker is given, pixels included."""
        return len(self.parsed) + PIXELS * self.pixels

    def canonical(self) -> dict[str, Any]:
        """The same for specs that give the same values, however they were written; JSON-able."""
        return {
            "schema_version": SCHEMA_VERSION,
            "columns": [{"name": column.name, "price": str(total_price(column.keys))} for column in self.parsed],
            "pixels": self.pixels,
        }

    def fingerprint(self) -> str:
        """16 hex digits of the canonical JSON's sha256."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def refuse_answers(features: Features, mode: str) -> None:
    """ValueError if the features hold the answer and the mode is none that admits it."""
    if features.is_leaky and mode not in ANSWER_MODES:
        admitted = " and ".join(ANSWER_MODES)
        raise ValueError(f"features.allow_answer is for the modes {admitted} alone, this is {mode}: leave answers out")
