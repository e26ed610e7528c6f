import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.annotation import by_run
from railyard.board.annotation.by_run import grouped, spans, summarise

VALUES = st.sampled_from([0.0, 1.0, -2.5, 7.25, math.nan])


@given(st.lists(st.tuples(st.integers(0, 5), VALUES), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 9))
def test_as_row_by_row_for_runs_in_any_order(rows, group_rows, chunk):
    ids = np.array([2**40 + run for run, _ in rows], np.uint64)
    column = np.array([value for _, value in rows], np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(by_run, "GROUP_ROWS", group_rows)
        patched.setattr(by_run, "CHUNK", chunk)
        found = spans(lambda first, count: ids[first : first + count], len(ids))
        groups = list(grouped(found))
        said = {}
        for group in groups:
            columns = {"x": lambda first, count: column[first : first + count]}
            summary = summarise(group, lambda first, count: ids[first : first + count], columns)["x"]
            for place, span in enumerate(group):
                said[span.run] = (summary.sums_R[place], summary.means_R[place], summary.p95_R[place])
    assert {span.run: span.rows for span in found} == {int(run): (ids == run).sum() for run in np.unique(ids)}
    assert [span.first for span in found] == sorted(span.first for span in found)
    for run, (total, mean, p95) in said.items():
        known = column[(ids == run) & ~np.isnan(column)].astype(np.float64)
        wanted = (known.sum(), known.mean(), np.percentile(known, 95)) if len(known) else (math.nan,) * 3
        np.testing.assert_allclose((total, mean, p95), wanted, rtol=1e-9, atol=1e-9)
