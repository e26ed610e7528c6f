import numpy as np

from railyard.tlg8.codec.scans import ANTIDIAGONAL, COLUMNS, HILBERT, NEE, NWW, ROWS, SCANS, ZIGZAG


def test_every_scan_visits_every_place_once():
    assert (np.sort(SCANS, axis=1) == np.arange(64)).all()


def test_the_hilbert_curve_moves_by_one_place():
    y, x = np.divmod(SCANS[HILBERT].astype(int), 8)
    assert (abs(np.diff(y)) + abs(np.diff(x)) == 1).all()


def test_the_derived_tables():
    assert SCANS[ZIGZAG, :12].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25]
    assert SCANS[ZIGZAG, -4:].tolist() == [47, 55, 62, 63]
    assert SCANS[ANTIDIAGONAL, :16].tolist() == [10, 3, 2, 9, 16, 8, 1, 0, 5, 4, 11, 18, 25, 32, 24, 17]
    assert SCANS[ROWS, 6:18].tolist() == [6, 7, 15, 14, 13, 12, 11, 10, 9, 8, 16, 17]
    assert SCANS[COLUMNS, 6:18].tolist() == [48, 56, 57, 49, 41, 33, 25, 17, 9, 1, 2, 10]
    assert SCANS[NWW, :10].tolist() == [44, 45, 57, 56, 58, 59, 62, 63, 43, 42]
    assert SCANS[NWW, -8:].tolist() == SCANS[NEE, :8].tolist()
