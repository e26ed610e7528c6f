"""Raw values to features, compiled: the one code that training, evaluation and the encoder share.

Each column is a short list of operations on a stack, in float64 and in a fixed order; a value that any operand lacks
is lacking. The logarithm is computed here from sums and products alone, so that no library's choice of instructions
can change a feature's last digit.
"""

from typing import Any, NamedTuple

import numpy as np

from railyard.core.arrays import F32, F64, I64, Bool, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.features.expressions import MOST_DEPTH, Column

LOAD, LOG1P, SQRT, SQUARE, ABS, CLIP, SUM, DIFFERENCE, PRODUCT, RATIO, BINS = range(11)
_CODES = ("load", "log1p", "sqrt", "square", "abs", "clip", "sum", "difference", "product", "ratio", "bins")
LARGEST = float(np.finfo(np.float32).max)
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # as fdlibm splits it
SQRT2 = 1.4142135623730951
TERMS = 12  # of the series, whose 13th is below 1e-19 of the first
SERIES = 1.0 / (2.0 * np.arange(TERMS + 1) + 1.0)


class Program(NamedTuple):
    """Columns for `evaluate`: codes int64 [S], numbers [S, 2], starts [D + 1] of the columns, edges of all bins."""

    codes_S: I64
    numbers_S2: F64
    starts: I64
    edges: F64


def compiled(columns: list[Column], edges: dict[str, list[float]]) -> Program:
    """edges: of each column of bins by its name, ascending; KeyError if one is missing."""
    codes: list[int] = []
    numbers: list[tuple[float, float]] = []
    starts, flat = [0], list[float]()
    for column in columns:
        for step in column.steps:
            first, second = step.first, step.second
            if step.operation == "bins":
                first, second = len(flat), len(edges[column.name])
                flat += edges[column.name]
            codes.append(_CODES.index(step.operation))
            numbers.append((first, second))
        starts.append(len(codes))
    return Program(
        np.array(codes, np.int64), np.array(numbers, np.float64).reshape(-1, 2), np.array(starts), np.array(flat)
    )


def evaluate(program: Program, raw_NR: F64) -> tuple[F32, Bool]:
    """Features float32 [N, D], 0 where one is not known, and which are known, bool [N, D]. raw: NaN where not known."""
    shape = (len(raw_NR), len(program.starts) - 1)
    values, known = np.empty(shape, np.float32), np.empty(shape, np.bool_)
    _evaluate(*program, raw_NR, values, known)
    return values, known


@njit()
def _evaluate(
    codes_S: I64, numbers_S2: F64, starts: I64, edges: F64, raw_NR: F64, values_ND: F32, known_ND: Bool
) -> None:
    stack = np.empty(2 * MOST_DEPTH + 2)
    for row in range(len(raw_NR)):
        for column in range(len(starts) - 1):
            top = -1
            for step in range(starts[column], starts[column + 1]):
                code, first, second = codes_S[step], numbers_S2[step, 0], numbers_S2[step, 1]
                if code == LOAD:
                    top += 1
                    stack[top] = raw_NR[row, np.int64(first)]
                elif code in (SUM, DIFFERENCE, PRODUCT, RATIO):
                    top -= 1
                    stack[top] = _of_two(code, stack[top], stack[top + 1])
                else:
                    stack[top] = _of_one(code, stack[top], first, second, edges)
            value = stack[0]
            known_ND[row, column] = not np.isnan(value)
            values_ND[row, column] = 0.0 if np.isnan(value) else max(-LARGEST, min(LARGEST, value))


@inner()
def _of_one(code: Int, value: float, first: float, second: float, edges: F64) -> Any:
    if code == LOG1P:
        return log1p(value) if value >= 0 else -log1p(-value)
    if code == SQRT:
        return np.sqrt(value) if value >= 0 else -np.sqrt(-value)
    if code == SQUARE:
        return value * value
    if code == ABS:
        return abs(value)
    if np.isnan(value):
        return value
    if code == CLIP:
        return max(first, min(second, value))
    bin = 0.0
    for edge in range(np.int64(first), np.int64(first) + np.int64(second)):
        if value >= edges[edge]:
            bin += 1.0
    return bin


@inner()
def _of_two(code: Int, a: float, b: float) -> float:
    if code == SUM:
        return a + b
    if code == DIFFERENCE:
        return a - b
    if code == PRODUCT:
        return a * b
    if b == 0.0:
        return a * 0.0
    return a / b


@njit()
def log1p(x: float) -> float:
    """log(1 + x) of x >= 0, to a few units in the last place; NaN and infinity stay what they are."""
    y = 1.0 + x
    if not y < np.inf:
        return y
    lost = (x - (y - 1.0)) / y  # what rounding 1 + x took away
    exponent = 0
    if y >= 18446744073709551616.0:  # 2^64
        while y >= 18446744073709551616.0:
            y *= 5.421010862427522e-20
            exponent += 64
    while y > SQRT2:
        y *= 0.5
        exponent += 1
    s = (y - 1.0) / (y + 1.0)
    square, series = s * s, 0.0
    for term in range(TERMS, -1, -1):
        series = series * square + SERIES[term]
    return exponent * LN2_HIGH + (2.0 * s * series + (exponent * LN2_LOW + lost))
