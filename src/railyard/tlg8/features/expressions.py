"""Features as a config writes them: a key of the catalogue, some of its values, or a transform of such.

    reorder_tv_mean                         all 8 values
    plane_l1[0:25]                          a stretch; plane_l1[3] one value
    log1p(score_residual_energy_by_predictor)
    ratio(plane_l1[0], plane_l1[1])         of two: value by value, or one with all of the other
    bins(reorder_tv_mean, 8)                numbers of quantile bins, whose edges are those of the training rows

log1p and sqrt are taken of the absolute value and keep the sign. A ratio by 0 is 0. Transforms may be nested. Nothing
is executed: a text is parsed as Python's grammar has it and only these forms are admitted.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from railyard.core.errors import nearest
from railyard.tlg8.features.catalogue import KEYS, TARGETS

UNARY = ("log1p", "sqrt", "square", "abs")
PAIRS = ("sum", "difference", "product", "ratio")
TRANSFORMS = (*UNARY, "clip", *PAIRS, "bins")
MOST_DEPTH = 6  # of nested transforms
MOST_BINS = 64

Operation = Literal["load", "log1p", "sqrt", "square", "abs", "clip", "sum", "difference", "product", "ratio", "bins"]


@dataclass(frozen=True)
class Step:
    """One operation of a column in postfix order: `first` and `second` are a place, limits, or a number of bins."""

    operation: Operation
    first: float = 0.0
    second: float = 0.0


@dataclass(frozen=True)
class Column:
    """One feature: its name, the steps that compute it from the raw values, and the keys that it needs."""

    name: str
    steps: tuple[Step, ...]
    keys: tuple[str, ...]


def columns_of(texts: Iterable[str]) -> list[Column]:
    """The columns of some expressions in turn. ValueError names the expression that is none."""
    columns: list[Column] = []
    for text in texts:
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"{text!r} is no feature: write a key, or a transform as in log1p(KEY)") from None
        columns += _columns(tree, text, 0)
    return columns


def _columns(node: ast.AST, text: str, depth: int) -> list[Column]:
    if depth > MOST_DEPTH:
        raise ValueError(f"{text!r} nests more than {MOST_DEPTH} transforms: write it with fewer")
    if isinstance(node, ast.Name):
        return _of_key(node.id)
    if isinstance(node, ast.Subscript):
        return _part(node, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, node.args, text, depth)
    raise ValueError(f"{text!r}: {ast.unparse(node)!r} is neither a key nor a transform of one")


def _of_key(name: str) -> list[Column]:
    if name in TARGETS:
        raise ValueError(f"{name} is a target, the answer itself, and no feature")
    if name not in KEYS:
        raise ValueError(f"there is no key {name!r}{nearest(name, KEYS)}")
    key = KEYS[name]
    names = [name] if key.length == 1 else [f"{name}[{place}]" for place in range(key.length)]
    return [Column(each, (Step("load", key.start + place),), (name,)) for place, each in enumerate(names)]


def _part(node: ast.Subscript, text: str) -> list[Column]:
    if not isinstance(node.value, ast.Name):
        raise ValueError(f"{text!r}: only a key has numbered values")
    columns = _of_key(node.value.id)
    limits = [node.slice.lower, node.slice.upper] if isinstance(node.slice, ast.Slice) else [node.slice]
    if isinstance(node.slice, ast.Slice) and node.slice.step is not None:
        raise ValueError(f"{text!r}: a stretch is written as {node.value.id}[0:{len(columns)}]")
    numbers = [None if limit is None else _number(limit, text) for limit in limits]
    if any(number is not None and not (number == int(number) and number >= 0) for number in numbers):
        raise ValueError(f"{text!r}: values are counted from 0, in whole numbers")
    first = int(numbers[0] or 0)
    end = first + 1 if len(numbers) == 1 else len(columns) if numbers[1] is None else int(numbers[1])
    if not first < end <= len(columns):
        raise ValueError(f"{text!r}: {node.value.id} has {len(columns)} values, 0 to {len(columns) - 1}")
    return columns[first:end]


def _call(name: str, arguments: list[ast.expr], text: str, depth: int) -> list[Column]:
    if name not in TRANSFORMS:
        raise ValueError(f"there is no transform {name!r}{nearest(name, TRANSFORMS)}; known: {', '.join(TRANSFORMS)}")
    wanted = 1 if name in UNARY else 3 if name == "clip" else 2
    if len(arguments) != wanted:
        raise ValueError(f"{text!r}: {name} takes {wanted} arguments, got {len(arguments)}")
    first = _columns(arguments[0], text, depth + 1)
    if name in PAIRS:
        return _paired(name, first, _columns(arguments[1], text, depth + 1), text)
    limits = [_number(argument, text) for argument in arguments[1:]]
    if name == "clip" and not limits[0] < limits[1]:
        raise ValueError(f"{text!r}: clip goes from a smaller to a larger number")
    if name == "bins" and depth:
        raise ValueError(f"{text!r}: bins stand outside every other transform")
    if name == "bins" and not (limits[0] == int(limits[0]) and 2 <= limits[0] <= MOST_BINS):
        raise ValueError(f"{text!r}: bins are from 2 to {MOST_BINS}")
    step = Step(name, *limits)  # type: ignore[arg-type]  # it is one of TRANSFORMS
    said = "".join(f", {_text(limit)}" for limit in limits)
    return [replace(each, name=f"{name}({each.name}{said})", steps=(*each.steps, step)) for each in first]


def _paired(name: str, first: list[Column], second: list[Column], text: str) -> list[Column]:
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise ValueError(f"{text!r}: {name} of {len(first)} and {len(second)} values; take as many, or one")
    count = max(len(first), len(second))
    first, second = (each * count if len(each) == 1 else each for each in (first, second))
    step = Step(name)  # type: ignore[arg-type]  # it is one of PAIRS
    return [
        Column(f"{name}({a.name}, {b.name})", (*a.steps, *b.steps, step), tuple(dict.fromkeys((*a.keys, *b.keys))))
        for a, b in zip(first, second, strict=True)
    ]


def _text(number: float) -> str:
    """As it is read back to the same number."""
    return str(int(number)) if number == int(number) else repr(number)


def _number(node: ast.AST, text: str) -> float:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    if not isinstance(inner, ast.Constant) or not isinstance(inner.value, int | float) or isinstance(inner.value, bool):
        raise ValueError(f"{text!r}: {ast.unparse(node)!r} has to be a number")
    return -float(inner.value) if negative else float(inner.value)
