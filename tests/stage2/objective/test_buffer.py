from dataclasses import asdict
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.errors import RailyardError
from railyard.stage2.objective.buffer import Buffer, channel_is_b, check_reuse, fingerprint
from railyard.stage2.objective.schedule import is_channel_b

buffers = st.builds(
    Buffer,
    per_epoch=st.integers(1, 9),
    per_step=st.integers(1, 4),
    b_ratio=st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.75, 1.0]),
    m_steps=st.integers(1, 4),
)


def loop(buffer, steps):
    """A trainer's loop, one step at a time: (epoch, micro-batches, is B, is reuse) of each step."""
    done, epoch, position = [], 0, 0
    while len(done) < steps:
        batches = list(range(buffer.per_epoch))[position : position + buffer.per_step]
        is_b = is_channel_b(len(done), buffer.b_ratio)
        repeats = buffer.m_steps if is_b and len(batches) == buffer.per_step else 1
        done += [(epoch, batches, is_b, use > 0) for use in range(repeats)]
        position += len(batches)
        if position == buffer.per_epoch:
            epoch, position = epoch + 1, 0
    return done[:steps]


@given(buffers)
def test_windows_are_those_of_a_trainers_loop(buffer):
    for step, (epoch, batches, is_b, is_reuse) in enumerate(loop(buffer, 40)):
        window = buffer.window_at(step)
        assert (window.epoch, list(range(window.start, window.stop))) == (epoch, batches)
        assert (window.is_channel_b, window.is_reuse(step)) == (is_b, is_reuse)


@given(buffers, st.integers(0, 40))
def test_a_resumed_run_goes_on_with_the_same_windows(buffer, step):
    resumed = buffer.window_at(step)
    following = [window for window in islice(buffer.windows(), 60) if window.index >= resumed.index]
    for window in following[:10]:
        assert window == resumed
        resumed = buffer.following(resumed)


def test_a_window_that_was_begun_stays_what_it_is_under_another_share():
    window = Buffer(4, 2, 1.0, 3).begin(6, 1)
    other = Buffer(4, 2, 0.0, 3)
    assert other.restored(asdict(window), 7) == window
    assert other.restored(asdict(window), 6) == other.begin(6, 1)
    assert not other.following(window).is_channel_b


def test_the_loader_repeats_windows_of_channel_b():
    assert list(Buffer(4, 2, 1.0, 3).stream(0)) == [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3]


def test_a_short_last_window_is_yielded_once():
    buffer = Buffer(5, 2, 1.0, 3)
    assert list(buffer.stream(0)) == [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 4]
    assert list(buffer.stream(1)) == list(buffer.stream(0))
    assert [buffer.steps_through(epochs) for epochs in (0, 1, 2)] == [0, 7, 14]


def test_windows_of_channel_a_run_once():
    assert list(Buffer(4, 2, 0.0, 3).stream(0)) == [0, 1, 2, 3]
    # at one half: A at step 0, then a window of B for steps 1, 2, 3, which hides that step 2 would have been A
    buffer = Buffer(4, 2, 0.5, 3)
    assert list(buffer.stream(0)) == [0, 1, 2, 3, 2, 3, 2, 3]
    assert [buffer.window_at(step).is_channel_b for step in range(5)] == [False, True, True, True, False]


def test_without_reuse_every_step_has_a_window():
    windows = list(islice(Buffer(100, 2, 0.5).windows(), 30))
    assert [window.first_step for window in windows] == list(range(30))
    assert not any(window.is_reuse(step) for step, window in enumerate(windows))


def test_a_reuse_step_is_channel_b_whatever_the_schedule_says():
    assert channel_is_b(2, b_ratio=0.0, is_reuse_step=True)
    assert not channel_is_b(2, b_ratio=0.0, is_reuse_step=False)
    assert channel_is_b(1, b_ratio=0.5, is_reuse_step=False)


def test_the_channel_holds_for_all_micro_batches_of_a_step():
    window = Buffer(8, 4, 0.5).window_at(1)
    assert (window.is_channel_b, list(window.micro_batches())) == (True, [4, 5, 6, 7])


@pytest.mark.parametrize("other", [[["a"], ["c"]], [["b"], ["a"]], [["a", "b"], []], [["a", "b"]], [["ab"]]])
def test_reuse_of_other_samples_is_refused(other):
    kept = fingerprint([["a"], ["b"]])
    check_reuse(kept, [("a",), ["b"]], step=7)
    with pytest.raises(RailyardError, match="step 7 was to learn again"):
        check_reuse(kept, other, step=7)


def test_numbers_and_words_are_different_samples():
    assert fingerprint([[1]]) != fingerprint([["1"]])


@pytest.mark.parametrize("sizes", [(0, 1, 0.5), (1, 0, 0.5), (1, 1, 0.5, 0)])
def test_empty_parts_are_refused(sizes):
    with pytest.raises(ValueError, match="at least one"):
        Buffer(*sizes)


def test_steps_count_from_zero():
    with pytest.raises(ValueError, match="from 0, got -1"):
        Buffer(1, 1, 0.5).window_at(-1)
