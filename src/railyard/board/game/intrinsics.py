"""Machine instructions for the search: memory by address, bit counts, a float in the low half of a word.

A search that passes arrays down its recursion spends most of its time passing them; here everything hangs on one
address. Addresses are uint64 and unchecked, indices count items of the type read or written. `table_*` may only
read memory that never changes while compiled code runs: the compiler is free to reuse what it has read.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import ir

from railyard.core.compiled import njit

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba import types
from numba.extending import intrinsic

WORD, HALF, QUARTER, VALUE = ir.IntType(64), ir.IntType(32), ir.IntType(16), ir.FloatType()
Helper = TypeVar("Helper", bound=Callable[..., Any])
OnWord = Callable[[np.uint64], np.uint64]


def inlined(function: Helper) -> Helper:
    """A compiled helper that becomes part of its callers, and reads like a call."""
    return cast(Helper, njit(forceinline=True, error_model="numpy")(function))


def _loader(returned: Any, kind: Any, constant: bool) -> Any:
    def load(context: Any, address: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base = builder.inttoptr(arguments[0], kind.as_pointer())
            item = builder.load(builder.gep(base, [arguments[1]]))
            if constant:
                item.set_metadata("invariant.load", builder.module.add_metadata([]))
            return item

        return returned(types.uint64, types.uint64), generate

    return intrinsic(load)


def _storer(stored: Any, kind: Any) -> Any:
    def store(context: Any, address: Any, index: Any, item: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base = builder.inttoptr(arguments[0], kind.as_pointer())
            builder.store(arguments[2], builder.gep(base, [arguments[1]]))
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64, stored), generate

    return intrinsic(store)


table_word: Callable[[np.uint64, np.uint64], np.uint64] = _loader(types.uint64, WORD, constant=True)
table_value: Callable[[np.uint64, np.uint64], np.float32] = _loader(types.float32, VALUE, constant=True)
table_chance: Callable[[np.uint64, np.uint64], np.uint16] = _loader(types.uint16, QUARTER, constant=True)
load_word: Callable[[np.uint64, np.uint64], np.uint64] = _loader(types.uint64, WORD, constant=False)
load_value: Callable[[np.uint64, np.uint64], np.float32] = _loader(types.float32, VALUE, constant=False)
store_word: Callable[[np.uint64, np.uint64, np.uint64], None] = _storer(types.uint64, WORD)
store_value: Callable[[np.uint64, np.uint64, np.float32], None] = _storer(types.float32, VALUE)


def _on_word(returned: Any, build: Callable[[Any, Any], Any], taken: Any = types.uint64) -> Any:
    """An instruction with one argument, a word unless `taken` says otherwise."""

    def instruction(context: Any, item: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return build(builder, arguments[0])

        return returned(taken), generate

    return intrinsic(instruction)


# where the lowest set bit stands, and how many are set; the word must not be 0 for the first
lowest_bit: OnWord = _on_word(types.uint64, lambda builder, word: builder.cttz(word, ir.Constant(ir.IntType(1), 1)))
bit_count: OnWord = _on_word(types.uint64, lambda builder, word: builder.ctpop(word))
value_bits: Callable[[np.float32], np.uint64] = _on_word(
    types.uint64, lambda builder, value: builder.zext(builder.bitcast(value, HALF), WORD), taken=types.float32
)
bits_value: Callable[[np.uint64], np.float32] = _on_word(
    types.float32, lambda builder, word: builder.bitcast(builder.trunc(word, HALF), VALUE)
)
