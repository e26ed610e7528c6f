import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.golomb import magnitude, plain_bits, run_length_bits
from railyard.tlg8.codec.lane_costs import plain_lanes, run_length_lanes

LANES = {0: plain_lanes, 1: run_length_lanes}
ALONE = {0: plain_bits, 1: run_length_bits}


def sequences(seed, planes, steps):
    """Values of 32 sequences, [4 groups, planes, steps, 8], from calm to as large as values of a block get."""
    rng = np.random.default_rng(seed)
    scale = rng.choice([0, 0.3, 2, 30, 600], (4, 1, 1, 8)) * rng.choice([0, 1, 1], (4, planes, steps, 8))
    return np.round(rng.laplace(0, 1, (4, planes, steps, 8)) * scale).clip(-637, 637).astype(np.int16)


def in_lanes(values, row, entropy, bound=32767):
    groups, planes, steps, _ = values.shape
    values = values.astype(np.int64)
    magnitudes = np.where(values >= 0, 2 * values, -2 * values - 1).astype(np.int16)
    starts = np.arange(groups * planes).reshape(groups, planes).T.ravel() * steps * 8
    out = np.full(32, -1, np.int16)
    done = LANES[entropy](magnitudes.ravel(), starts, planes, steps, row, np.int64(bound), out)
    return done, out


def alone(values, row, entropy):
    """The bits of each sequence by itself: steps outside, planes inside."""
    return [
        ALONE[entropy](np.ascontiguousarray(values[group, :, :, scan].T).ravel(), row)
        for group in range(4)
        for scan in range(8)
    ]


cases = (st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 64), st.integers(0, 7), st.sampled_from([0, 1]))


@given(*cases)
def test_lanes_cost_what_their_sequences_cost_alone(seed, planes, steps, row, entropy):
    values = sequences(seed, planes, steps)
    done, bits = in_lanes(values, row, entropy)
    assert done
    assert bits.tolist() == alone(values, row, entropy)


@given(*cases)
def test_a_bound_gives_up_only_when_no_lane_costs_less(seed, planes, steps, row, entropy):
    values = sequences(seed, planes, steps)
    expected = alone(values, row, entropy)
    for bound in (min(expected), min(expected) + 1):
        done, bits = in_lanes(values, row, entropy, bound)
        assert bits.tolist() == (expected if done else [-1] * 32)
        assert done or bound == min(expected)


def test_magnitudes():
    assert [magnitude(value) for value in (0, -1, 1, -2, 2, -637, 637)] == [0, 1, 2, 3, 4, 1273, 1274]
