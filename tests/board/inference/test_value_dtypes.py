"""Numbers as they travel: what comes back is the number rounded to the dtype, as torch rounds it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from railyard.board.inference.value_dtypes import BY_NAME, BY_NUMBER

TORCH = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
FLOATS = arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32))


@pytest.mark.parametrize("name", BY_NAME)
@given(values=FLOATS)
def test_numbers_come_back_rounded(name, values):
    dtype = BY_NAME[name]
    data = dtype.pack(values)
    assert len(data) == dtype.size * len(values)
    rounded = torch.from_numpy(values).to(TORCH[name])
    np.testing.assert_array_equal(dtype.unpack(data), rounded.float().numpy())
    np.testing.assert_array_equal(dtype.unpack(dtype.pack(dtype.unpack(data))), dtype.unpack(data))


def test_each_has_a_number_of_its_own():
    assert {number: dtype.number for number, dtype in BY_NUMBER.items()} == {1: 1, 2: 2, 3: 3}
