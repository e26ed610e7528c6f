"""Features of blocks as a table: names, prices, values, and which values are known."""

from dataclasses import dataclass

from railyard.core.arrays import F32, F64, U8, Bool
from railyard.tlg8.features.catalogue import total_price
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.program import compiled, evaluate
from railyard.tlg8.features.raw_values import raw_values


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """names and prices: [D]; values: float32 [N, D], 0 where not known; known: bool [N, D]."""

    names: list[str]
    prices: list[str]
    values: F32
    known: Bool

    def __len__(self) -> int:
        return len(self.values)


def table_of_raw(features: Features, edges: dict[str, list[float]], raw_NR: F64) -> FeatureTable:
    """The features of raw values [N, R]; edges: of the columns of bins, by name."""
    values, known = evaluate(compiled(features.parsed, edges), raw_NR)
    return FeatureTable(features.names, prices_of(features), values, known)


def table_of_contexts(
    features: Features, edges: dict[str, list[float]], contexts_N: U8, components_N: U8
) -> FeatureTable:
    """The features of whole blocks from their contexts, as an encoder needs them."""
    return table_of_raw(features, edges, raw_values(contexts_N, components_N, features.keys))


def prices_of(features: Features) -> list[str]:
    return [str(total_price(column.keys)) for column in features.parsed]
