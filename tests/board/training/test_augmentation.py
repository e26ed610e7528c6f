"""What is drawn: by seed and position alone, evenly, never for validation; and the labels of turned rows."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game import boards, rules, symmetry
from railyard.board.packs.pack import Pack
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.collate import Collate
from railyard.board.training.config import PackData

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
PACK = Pack.open(FIXTURES / "03_pack")
TOKENIZER = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json")
BOTH = Augmentation(rotations=True, flips=True)


def drawn(augmentation, rows=60_000, key=1):
    return augmentation.turns(np.arange(rows), key)


def parts(turns):
    return turns // symmetry.FLIPS, turns % symmetry.FLIPS


def data(**keys):
    return PackData(
        pack=FIXTURES / "03_pack",
        tokenizer=FIXTURES / "04_tokenizer_v2_8.json",
        batch_size=36,
        validation_fraction=0.2,
        **keys,
    ).build()


@pytest.mark.parametrize(
    ("knobs", "rotations", "flips"),
    [
        ({"rotations": True}, {0, 1, 2, 3}, {0}),
        ({"flips": True}, {0}, {0, 1, 2}),
        ({"rotations": True, "allow_noop": False}, {1, 2, 3}, {0}),
        ({"flips": True, "allow_noop": False}, {0}, {1, 2}),
        ({"rotations": True, "flips": True, "allow_noop": False}, {1, 2, 3}, {1, 2}),
    ],
)
def test_what_may_be_drawn(knobs, rotations, flips):
    k, axis = parts(drawn(Augmentation(**knobs)))
    assert (set(k.tolist()), set(axis.tolist())) == (rotations, flips)


def test_nothing_by_default():
    assert drawn(Augmentation()) is None


def test_rotation_and_flip_are_even_and_independent():
    """The reference draws both from one seed: there a rotation nearly tells the flip."""
    rows = 60_000
    counts = np.bincount(drawn(BOTH, rows), minlength=symmetry.TURNS)
    expected = rows / symmetry.TURNS
    assert ((counts - expected) ** 2 / expected).sum() < 35  # chi-squared, 11 degrees: exceeded once in 4,000 draws


def test_neighbouring_positions_and_keys_have_nothing_in_common():
    turns = drawn(BOTH)
    other = drawn(BOTH, key=2)
    assert (turns[1:] == turns[:-1]).mean() == pytest.approx(1 / 12, abs=0.01)
    assert (turns == other).mean() == pytest.approx(1 / 12, abs=0.01)


def test_pinned_draws():
    """A change of these numbers would let no older run resume."""
    assert drawn(BOTH, 16).tolist() == [5, 0, 0, 9, 4, 2, 3, 4, 0, 5, 8, 10, 7, 2, 3, 2]


def test_a_row_turns_another_way_each_epoch_and_the_same_in_each_run():
    source = data(augmentation=BOTH).rows("train")
    positions = np.arange(200)
    first, second = (source.__getitems__(positions + epoch * len(source)) for epoch in (0, 1))
    again = data(augmentation=BOTH).rows("train").__getitems__(positions + len(source))
    assert not np.array_equal(first.tokens, second.tokens)
    assert np.array_equal(first.tokens.sort(dim=1).values, second.tokens.sort(dim=1).values)
    assert all(np.array_equal(a, b) for a, b in zip(second, again, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_loaders_draw_by_position(workers):
    def batches(start):
        loader = data(augmentation=BOTH, workers=workers).train_dataloader()
        loader.load_state_dict({"epoch": 1, "batch": start})
        return [batch.tokens.tolist() for batch in loader]

    expected = data(augmentation=BOTH)
    loader, source = expected.train_dataloader(), expected.rows("train")
    wanted = [source.__getitems__(loader.order.positions(1, b)).tokens.tolist() for b in range(len(loader))]
    assert batches(0) == wanted
    assert batches(5) == wanted[5:]


def test_the_loader_turns_a_row_another_way_in_the_next_epoch():
    loader = data(augmentation=BOTH, shuffle=False).train_dataloader()
    batches = []
    for epoch in (0, 1):
        loader.load_state_dict({"epoch": epoch, "batch": 0})
        batches.append(next(iter(loader)).tokens)
    assert np.array_equal(batches[0].sort(dim=1).values, batches[1].sort(dim=1).values)
    assert not np.array_equal(*batches)


def test_validation_is_never_turned():
    plain, turned = data(), data(augmentation=BOTH)
    for a, b in zip(plain.val_dataloader(), turned.val_dataloader(), strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not np.array_equal(next(iter(plain.train_dataloader())).tokens, next(iter(turned.train_dataloader())).tokens)


def tuple_rows(count):
    """Rows of the pack that have probabilities: their classes do not look at the one-sided heuristic."""
    rows = PACK.rows.gather(np.arange(len(PACK)))
    names = np.array(PACK.valuation_names)[rows["valuation_type"]]
    return np.flatnonzero(names != "search")[:count]


@given(st.lists(st.integers(0, 199), min_size=1, max_size=20), st.data())
def test_labels_of_tuple_rows_are_the_labels_of_the_turned_row(picks, data):
    numbers = tuple_rows(200)[picks]
    ops = np.array([data.draw(st.integers(0, symmetry.TURNS - 1)) for _ in numbers], np.uint8)
    batch = Collate([PACK], TOKENIZER)(numbers, ops)
    rows = PACK.rows.gather(numbers)
    for row, op in zip(rows, ops, strict=True):
        exponents = boards.decode(row["board"][None], row["tile_65536_mask"][None])[0]
        row["board"], row["tile_65536_mask"] = (part[0] for part in boards.encode(exponents[symmetry.CELLS[op]][None]))
        row["branch_evs"] = row["branch_evs"][symmetry.BRANCHES[op]]
        row["move_dir"] = symmetry.MOVES[op, row["move_dir"]]
        row["ev_legal"] = symmetry.LEGAL[op, row["ev_legal"]]
    np.testing.assert_array_equal(batch.tokens, boards.decode(rows["board"], rows["tile_65536_mask"]))
    np.testing.assert_array_equal(batch.targets, TOKENIZER.encode(rows, PACK.valuation_names))
    np.testing.assert_array_equal(batch.moves, rows["move_dir"])
    np.testing.assert_array_equal(batch.legal, rules.legal_moves(rows["board"], rows["tile_65536_mask"]))


def test_labels_of_search_rows_are_those_of_the_board_as_played():
    """Where the reference differs: it recomputes the heuristic on the turned board, and labels change."""
    numbers = np.arange(len(PACK))
    ops = np.full(len(PACK), 3, np.uint8)
    as_played = Collate([PACK], TOKENIZER)(numbers)
    batch = Collate([PACK], TOKENIZER)(numbers, ops)
    np.testing.assert_array_equal(batch.targets, as_played.targets[:, symmetry.BRANCHES[3]])
