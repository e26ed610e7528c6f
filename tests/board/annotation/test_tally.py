import numpy as np
import pytest

from railyard.board.annotation.tally import Tally


def test_means_by_type_and_tile_leave_out_what_is_not_known():
    tally = Tally(("search", "tuple10"), ("disagreement", "model_top_prob", "logit_gap"))
    for part in (slice(0, 3), slice(3, 5)):
        tally.add(
            np.array([0, 0, 1, 1, 1], np.uint8)[part],
            np.array([3, 4, 4, 4, 16], np.float32)[part],
            {
                "disagreement": np.array([1, 0, np.nan, 1, 1], np.float32)[part],
                "model_top_prob": np.array([0.2, 0.9, 0.5, 0.7, 0.7], np.float32)[part],
                "logit_gap": np.array([1, np.inf, 2, 3, np.nan], np.float32)[part],
            },
        )
    assert tally.whole() == {
        "rows": 5,
        "disagreement": 0.75,
        "model_top_prob": pytest.approx(0.6),
        "logit_gap": pytest.approx(2.0),
        **{"known_disagreement": 4, "known_model_top_prob": 5, "known_logit_gap": 3},
    }
    assert [(name, group["rows"]) for name, group in tally.by_type()] == [("search", 2), ("tuple10", 3)]
    assert [(name, group["rows"]) for name, group in tally.by_tile()] == [("8", 1), ("16", 3), ("65536", 1)]
    assert dict(tally.by_tile())["65536"]["logit_gap"] is None
    assert tally.calibration.rows == 4
    assert tally.calibration.brier() == pytest.approx((0.2**2 + 0.1**2 + 0.7**2 + 0.7**2) / 4)
