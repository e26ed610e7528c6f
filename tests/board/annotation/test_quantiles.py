import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from railyard.board.annotation import quantiles as module
from railyard.board.annotation.quantiles import PERCENTS, quantiles

NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=False)


@given(arrays(np.float32, st.integers(1, 300), elements=NUMBERS), st.integers(1, 50), st.sampled_from([0, 100]))
def test_as_numpy_has_them(values, chunk, short):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "SHORT", short)
        found = quantiles(lambda: (values[at : at + chunk] for at in range(0, len(values), chunk)))
    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known):
        assert found is None
    else:
        np.testing.assert_allclose(found, np.percentile(known, PERCENTS), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("short", [0, 100])
def test_infinities_are_places_like_others(short, monkeypatch):
    monkeypatch.setattr(module, "SHORT", short)
    found = quantiles(lambda: [np.array([np.inf, 1, 2, 3, -np.inf], np.float32)], [0, 25, 50, 75, 100])
    assert found.tolist() == [-np.inf, 1, 2, 3, np.inf]
