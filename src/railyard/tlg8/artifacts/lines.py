"""`training.all.jsonl`: a JSON object a block, keys, order and number formats as the reference writes them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8, Records
from railyard.tlg8.artifacts.line_keys import CHOICE, NEIGHBOURS, PROJECTIONS, SCORES, VARIATIONS
from railyard.tlg8.artifacts.pixel_keys import neighbours, pixels, total_variations
from railyard.tlg8.codec.block_scores import block_scores
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.tuples import fields_of


def lines(
    image: str,
    image_size: tuple[int, int],
    tile_origins_N2: NDArray[np.integer],
    rows_N: Records,
    entropies: tuple[int, ...] = (PLAIN,),
) -> bytes:
    """Lines of searched blocks of one image, `BLOCK_ROW` [N]; `entropies` are those that the search could choose."""
    out: list[str] = [""] * len(rows_N)
    sizes_N2 = np.stack([rows_N["width"], rows_N["height"]], axis=1)
    for width, height in np.unique(sizes_N2, axis=0).tolist():
        places = np.flatnonzero((sizes_N2 == (width, height)).all(axis=1))
        head = (json.dumps(image, ensure_ascii=False), *image_size)
        for place, line in zip(
            places, _lines(head, tile_origins_N2[places], rows_N[places], sizes_N2[places], entropies), strict=True
        ):
            out[place] = line
    return "".join(out).encode()


def _lines(
    head: tuple[Any, ...],
    tile_origins_N2: NDArray[np.integer],
    rows_N: Records,
    sizes_N2: U8,
    entropies: tuple[int, ...],
) -> list[str]:
    """Lines of blocks that have one size."""
    components, (width, height) = int(rows_N["components"][0]), sizes_N2[0].tolist()
    contexts_N = np.ascontiguousarray(rows_N["context"])
    scores = block_scores(contexts_N, np.ascontiguousarray(sizes_N2), components, entropies)
    groups = [
        np.column_stack([tile_origins_N2, rows_N["x"], rows_N["y"], sizes_N2, rows_N["components"]]),
        pixels(contexts_N, components, width, height),
        _columns(scores, {f"proj_{name}_bits": length for name, length in PROJECTIONS.items()}),
        _columns(scores, SCORES),
        _columns(neighbours(contexts_N, components), NEIGHBOURS),
        _columns(total_variations(contexts_N, components), VARIATIONS),
        _choices(rows_N),
    ]
    template = _template(width * height * components)
    return [
        template % (*head, *(number for group in block for number in group))
        for block in zip(*(group.tolist() for group in groups), strict=True)
    ]


def _columns(arrays: Mapping[str, NDArray[Any]], lengths: Mapping[str, int | None]) -> NDArray[Any]:
    return np.concatenate([arrays[name].reshape(-1, length or 1) for name, length in lengths.items()], axis=1)


def _choices(rows_N: Records) -> I64:
    """Fields of best and second, [N, 12]."""
    columns = []
    for place in range(2):
        columns += [*fields_of(rows_N["ranks"][:, place]), rows_N["entropies"][:, place], rows_N["bits"][:, place]]
    return np.stack(columns, axis=1).astype(np.int64)


@cache
def _template(values: int) -> str:
    """A line with % formats where the numbers belong; `values` of the pixels."""
    choice = "{" + ",".join(f'"{name}":%d' for name in CHOICE) + "}"
    parts = [
        '"image":%s',
        *(f'"{name}":[%d,%d]' for name in ("image_size", "tile_origin", "block_origin", "block_size")),
        '"components":%d',
        _list("pixels", values, "%d"),
        *(_list(f"proj_{name}_bits", length, "%d") for name, length in PROJECTIONS.items()),
        *(_list(name, length, "%.9g") for name, length in SCORES.items()),
        *(_list(name, length, "%d") for name, length in NEIGHBOURS.items()),
        *(_list(name, length, "%.6f") for name, length in VARIATIONS.items()),
        f'"best":{choice}',
        f'"second":{choice}',
    ]
    return "{" + ",".join(parts) + "}\n"


def _list(name: str, length: int | None, number: str) -> str:
    return f'"{name}":{number}' if length is None else f'"{name}":[{",".join([number] * length)}]'
