import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.annotation.calibration import Calibration

PAIRS = st.lists(st.tuples(st.floats(0, 1, width=32), st.sampled_from([0.0, 1.0, np.nan])), max_size=40)


@given(PAIRS, PAIRS)
def test_as_row_by_row_and_over_chunks(one, two):
    found = Calibration()
    for part in (one, two):
        found.add(np.array([p for p, _ in part], np.float32), np.array([came for _, came in part], np.float32))
    known = [(float(p), came) for p, came in one + two if not np.isnan(came)]
    if not known:
        assert (found.error(), found.brier(), found.table()) == (None, None, [])
        return
    places = [min(int(p * 10), 9) for p, _ in known]
    error = 0.0
    for place in set(places):
        inside = [pair for pair, at in zip(known, places, strict=True) if at == place]
        error += abs(sum(p for p, _ in inside) - sum(came for _, came in inside)) / len(known)
    assert found.error() == pytest.approx(error)
    assert found.brier() == pytest.approx(sum((p - came) ** 2 for p, came in known) / len(known))
    assert sum(row["rows"] for row in found.table()) == len(known)
