"""How numbers travel in messages: float32, float16 or bfloat16, little-endian. NumPy has no bfloat16 of its own."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from railyard.board.inference import inference_pb2
from railyard.board.inference.inference_pb2 import VALUE_DTYPE_BF16, VALUE_DTYPE_FP16, VALUE_DTYPE_FP32
from railyard.core.arrays import F32

ValueDType = Literal["fp32", "fp16", "bf16"]


class Travel(NamedTuple):
    """One way for numbers to travel: its number in messages, bytes a number, and both directions."""

    number: inference_pb2.ValueDType
    size: int
    pack: Callable[[F32], bytes]
    unpack: Callable[[bytes], F32]


def _to_fp32(values: F32) -> bytes:
    return values.astype("<f4", copy=False).tobytes()


def _from_fp32(data: bytes) -> F32:
    return np.frombuffer(data, "<f4").astype(np.float32, copy=False)


def _to_fp16(values: F32) -> bytes:
    with np.errstate(over="ignore"):  # beyond 65,504 stands infinity
        return values.astype("<f2").tobytes()


def _from_fp16(data: bytes) -> F32:
    return np.frombuffer(data, "<f2").astype(np.float32)


def _to_bf16(values: F32) -> bytes:
    """Rounded to the nearest, halves to even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype("<u2").tobytes()


def _from_bf16(data: bytes) -> F32:
    values: F32 = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    return values


FP32 = Travel(VALUE_DTYPE_FP32, 4, _to_fp32, _from_fp32)
FP16 = Travel(VALUE_DTYPE_FP16, 2, _to_fp16, _from_fp16)
BF16 = Travel(VALUE_DTYPE_BF16, 2, _to_bf16, _from_bf16)
BY_NAME: dict[ValueDType, Travel] = {"fp32": FP32, "fp16": FP16, "bf16": BF16}
BY_NUMBER = {travel.number: travel for travel in BY_NAME.values()}
