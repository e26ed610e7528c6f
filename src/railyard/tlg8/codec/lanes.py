"""A vector of 32 int16 lanes for compiled code: 32 sequences are coded side by side, one instruction for all.

Golomb-Rice adaptation is a chain: a value's cost depends on the values before it. So the speed comes from
many independent sequences in lock step. numba alone keeps the state of such a loop in memory; with a vector
type of its own it stays in registers. LLVM splits the 32 lanes into whatever the processor has.
Arithmetic wraps at 16 bits. Arrays are int16, C-contiguous, and are read without a check: offsets are the
caller's business.
"""

import operator
from collections.abc import Callable
from typing import Any

from railyard.core.compiled import njit  # noqa: F401  (numba only after the module that decides where it caches)

# isort: split
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

WIDTH = 32
GROUP = 8  # lanes that one load of `load_groups` fills
_WORD, _WIDE = ir.IntType(16), ir.IntType(32)
_VECTOR, _MASK = ir.VectorType(_WORD, WIDTH), ir.VectorType(ir.IntType(1), WIDTH)
_WIDE_VECTOR = ir.VectorType(_WIDE, WIDTH)


class LanesType(types.Type):
    """32 int16."""

    llvm = _VECTOR

    def __init__(self) -> None:
        super().__init__(name="Lanes")


class MaskType(types.Type):
    """32 truth values."""

    llvm = _MASK

    def __init__(self) -> None:
        super().__init__(name="LaneMask")


# numba's own functions are untyped
_declare: Any = cgutils.get_or_insert_function
_register_model: Any = register_model
_signature: Any = signature
_infer: Any = infer_global
_lower: Any = lower_builtin
_intrinsic: Any = intrinsic
_prepare_model: Any = models.PrimitiveModel.__init__

LANES, MASK = LanesType(), MaskType()


@_register_model(LanesType)
@_register_model(MaskType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        _prepare_model(self, manager, kind, kind.llvm)


def _operator(symbol: Any, kind: types.Type, result: types.Type, emit: Callable[[ir.IRBuilder, Any, Any], Any]) -> None:
    """Teaches numba what `symbol` does to two vectors."""

    class Template(ConcreteTemplate):
        cases = [_signature(result, kind, kind)]  # noqa: RUF012

    def lower(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return emit(builder, *arguments)

    _infer(symbol)(Template)
    _lower(symbol, kind, kind)(lower)


_operator(operator.add, LANES, LANES, lambda builder, a, b: builder.add(a, b))
_operator(operator.sub, LANES, LANES, lambda builder, a, b: builder.sub(a, b))
_operator(operator.mul, LANES, LANES, lambda builder, a, b: builder.mul(a, b))
_operator(operator.and_, LANES, LANES, lambda builder, a, b: builder.and_(a, b))
_operator(operator.rshift, LANES, LANES, lambda builder, a, b: builder.lshr(a, b))
_operator(operator.lt, LANES, MASK, lambda builder, a, b: builder.icmp_signed("<", a, b))
_operator(operator.ge, LANES, MASK, lambda builder, a, b: builder.icmp_signed(">=", a, b))
_operator(operator.eq, LANES, MASK, lambda builder, a, b: builder.icmp_signed("==", a, b))
_operator(operator.and_, MASK, MASK, lambda builder, a, b: builder.and_(a, b))
_operator(operator.xor, MASK, MASK, lambda builder, a, b: builder.xor(a, b))


def _spread(builder: ir.IRBuilder, word: Any) -> Any:
    lone = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), word, ir.Constant(_WIDE, 0))
    return builder.shuffle_vector(lone, lone, ir.Constant(_WIDE_VECTOR, [0] * WIDTH))


@_intrinsic
def splat(context: Any, value: Any) -> Any:
    """All lanes the same: an integer."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return _spread(builder, context.cast(builder, arguments[0], signature.args[0], types.int16))

    return LANES(value), generate


@_intrinsic
def blend(context: Any, mask: Any, chosen: Any, other: Any) -> Any:
    """`chosen` where the mask holds, `other` elsewhere."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return LANES(MASK, LANES, LANES), generate


@_intrinsic
def any_of(context: Any, mask: Any) -> Any:
    """Whether the mask holds in any lane."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(MASK), generate


@_intrinsic
def high_product(context: Any, a: Any, b: Any) -> Any:
    """The upper 16 bits of the product of two vectors of uint16."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        a, b = (builder.zext(argument, _WIDE_VECTOR) for argument in arguments)
        sixteen = ir.Constant(_WIDE_VECTOR, [16] * WIDTH)
        return builder.trunc(builder.lshr(builder.mul(a, b), sixteen), _VECTOR)

    return LANES(LANES, LANES), generate


@_intrinsic
def floor_log2(context: Any, a: Any) -> Any:
    """Position of the highest bit that is set; every lane has to be positive."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR, ir.IntType(1)])
        count = _declare(builder.module, kind, f"llvm.ctlz.v{WIDTH}i16")
        zeros = builder.call(count, [arguments[0], ir.Constant(ir.IntType(1), 0)])
        return builder.sub(ir.Constant(_VECTOR, [15] * WIDTH), zeros)

    return LANES(LANES), generate


def _pointer(context: Any, builder: ir.IRBuilder, kind: Any, array: Any, offset: Any, vector: ir.VectorType) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())


@_intrinsic
def count_reached(context: Any, a: Any, thresholds: Any, row: Any) -> Any:
    """How many of the 8 thresholds in a row (int64) of an int16 array [rows, 8] each lane reaches."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        a, thresholds, row = arguments
        data = context.make_array(signature.args[1])(context, builder, thresholds).data
        first = builder.gep(data, [builder.mul(row, ir.Constant(row.type, GROUP))])
        count = ir.Constant(_VECTOR, [0] * WIDTH)
        for index in range(GROUP):
            threshold = _spread(builder, builder.load(builder.gep(first, [ir.Constant(_WIDE, index)])))
            reached = builder.icmp_signed(">=", a, threshold)
            count = builder.sub(count, builder.sext(reached, _VECTOR))
        return count

    return LANES(LANES, thresholds, types.int64), generate


@_intrinsic
def load_groups(context: Any, array: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four groups of 8 lanes from four offsets (int64) of an int16 array, side by side."""
    group = ir.VectorType(_WORD, GROUP)

    def join(builder: ir.IRBuilder, left: Any, right: Any, width: int) -> Any:
        return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_WIDE, width), list(range(width))))

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        groups = []
        for offset in arguments[1:]:
            index = _pointer(context, builder, signature.args[0], arguments[0], offset, group)
            groups.append(builder.load(index, align=2))
        left, right = (join(builder, groups[at], groups[at + 1], 2 * GROUP) for at in (0, 2))
        return join(builder, left, right, WIDTH)

    return LANES(array, types.int64, types.int64, types.int64, types.int64), generate


@_intrinsic
def store(context: Any, array: Any, offset: Any, lanes: Any) -> Any:
    """Writes 32 lanes to an int16 array at an offset (int64)."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        array, offset, lanes = arguments
        builder.store(lanes, _pointer(context, builder, signature.args[0], array, offset, _VECTOR), align=2)
        return context.get_dummy_value()

    return types.void(array, types.int64, LANES), generate
