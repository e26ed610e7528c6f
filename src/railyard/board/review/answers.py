"""Large answers as bytes: JSON without a model built for each row, and lines of it.

Numbers are written in the shortest form that reads back as the same double; NaN and infinities are null.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

NDJSON = "application/x-ndjson"


def json_bytes(value: Any) -> bytes:
    """Plain containers as JSON."""
    return to_json(value, inf_nan_mode="null")


def json_answer(value: Any) -> Response:
    return Response(json_bytes(value), media_type="application/json")


def lines_answer(values: Iterable[Iterable[Any]]) -> Response:
    """Values as NDJSON, a block of lines at a time; what goes wrong before the first block is an answer of its own."""
    rest = iter(values)
    first = list(next(rest, []))

    def blocks() -> Iterator[bytes]:
        for block in chain([first], rest):
            yield b"".join(json_bytes(value) + b"\n" for value in block)

    return StreamingResponse(blocks(), media_type=NDJSON)
