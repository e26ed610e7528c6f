"""Embeddings of games in play against a list for each place."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.game.embeddings import WINDOW, EmbeddingsInPlay

# what happens between two moves: at which of the places a game begins, how many places come, which go
events = st.lists(
    st.tuples(st.integers(0, 2 * WINDOW), st.sets(st.integers(0, 5)), st.integers(0, 2), st.sets(st.integers(0, 5))),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), events)
def test_each_place_keeps_the_rows_of_its_game(places, events):
    random, kept, wanted = np.random.default_rng(0), EmbeddingsInPlay(), [[] for _ in range(places)]
    kept.grow(places)
    for moves, begun, more, gone in events:
        for _ in range(moves if wanted else 0):
            rows = random.random((len(wanted), 3), np.float32)
            kept.add(rows, np.array([len(rows_T) for rows_T in wanted], np.uint32))
            for rows_T, row in zip(wanted, rows, strict=True):
                rows_T.append(row.copy())
            rows[:] = np.nan  # the caller's array may be used again
        for place, rows_T in enumerate(wanted):
            for end in {len(rows_T), max(len(rows_T) - 1, 0)} if rows_T else ():
                np.testing.assert_array_equal(kept.of(place, end), np.array(rows_T).reshape(-1, 3)[:end])
        begun = [place for place in sorted(begun) if place < len(wanted)]
        kept.begin(begun)
        wanted = [[] if place in begun else rows_T for place, rows_T in enumerate(wanted)]
        stay = np.array([place for place in range(len(wanted)) if place not in gone], np.int64)
        kept.keep(stay)
        wanted = [wanted[place] for place in stay]
        kept.grow(more)
        wanted += [[] for _ in range(more)]


def test_without_embeddings_there_are_none():
    kept = EmbeddingsInPlay()
    kept.grow(2)
    assert kept.of(1, 5) is None


def test_a_game_that_ends_before_its_first_move_has_none_of_their_width():
    kept = EmbeddingsInPlay()
    kept.grow(1)
    kept.add(np.ones((1, 3), np.float32), np.zeros(1, np.uint32))
    assert kept.of(0, 0).shape == (0, 3)
