import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.predictors import predict, residuals_of

byte = st.integers(0, 255)


@given(byte, byte, byte, byte)
def test_predictions_by_hand(a, b, c, d):
    median = sorted([a, b, a + b - c])[1]
    expected = [median, (a + c + 1) // 2, (b + c + 1) // 2, (b + d + 1) // 2, a, b, c, d]
    assert [predict(predictor, a, b, c, d) for predictor in range(8)] == expected


def test_residuals_are_not_wrapped_and_lie_in_raster_order():
    context = np.random.default_rng(0).integers(0, 2, (4, 9, 10)).astype(np.uint8) * 255
    out = np.zeros((8, 4, 64), np.int16)
    residuals_of(context, 5, 3, 4, out)
    for predictor in range(8):
        for plane in range(4):
            pixels = context[plane].astype(int)
            expected = [
                pixels[y, x]
                - predict(predictor, pixels[y, x - 1], pixels[y - 1, x], pixels[y - 1, x - 1], pixels[y - 1, x + 1])
                for y in range(1, 4)
                for x in range(1, 6)
            ]
            assert out[predictor, plane, :15].tolist() == expected
    assert {int(out.min()), int(out.max())} == {-255, 255}
