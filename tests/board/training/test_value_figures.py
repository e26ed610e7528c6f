"""Brier score and calibration of a head against plain NumPy over the rows with a label."""

import numpy as np
import pytest
import torch

from railyard.board.training.outcomes import NO_LABEL, Reaches
from railyard.board.training.value_figures import ValueSums

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 3, 400).astype(np.float32)
LABELS = RANDOM.choice(np.array([0, 1, NO_LABEL], np.uint8), 400)
RANKS = RANDOM.integers(9, 13, 400).astype(np.uint8)


def figures(logits=LOGITS, labels=LABELS, ranks=RANKS, pieces=1):
    sums = ValueSums(Reaches(tile=2048), 12)
    for place in np.array_split(np.arange(len(logits)), pieces):
        sums.add(*(torch.from_numpy(part[place]) for part in (logits, labels, ranks)))
    return sums.figures()


def plain(chosen):
    said, happened = 1 / (1 + np.exp(-LOGITS[chosen].astype(np.float64))), LABELS[chosen].astype(np.float64)
    tenths = np.minimum((said * 10).astype(int), 9)
    gaps = [abs(said[tenths == tenth].sum() - happened[tenths == tenth].sum()) for tenth in range(10)]
    return {
        "rows": len(said),
        "share": happened.mean(),
        "probability": said.mean(),
        "brier": ((said - happened) ** 2).mean(),
        "base_brier": happened.var(),
        "calibration_error": sum(gaps) / len(said),
        "loss": -np.where(happened == 1, np.log(said), np.log(1 - said)).mean(),
    }


def test_figures_are_those_of_the_rows_with_a_label():
    assert figures().metrics == pytest.approx(plain(LABELS != NO_LABEL))


def test_rows_are_told_apart_by_highest_tile():
    """Tiles beyond the last one known count as it."""
    found = figures().by_highest_tile
    assert list(found) == ["512", "1024", "2048"]
    for tile, group in found.items():
        chosen = (np.minimum(RANKS, 11) == int(tile).bit_length() - 1) & (LABELS != NO_LABEL)
        assert group == pytest.approx(plain(chosen))


def test_batches_add_up():
    whole, parts = figures(), figures(pieces=7)
    assert parts.metrics == pytest.approx(whole.metrics)
    assert [point["rows"] for point in parts.calibration] == [point["rows"] for point in whole.calibration]


def test_a_tenth_has_what_was_said_in_it_and_what_happened():
    logits = np.log(np.array([0.12, 0.18, 0.55, 0.97], np.float32) / np.array([0.88, 0.82, 0.45, 0.03], np.float32))
    labels = np.array([0, 1, 1, 1], np.uint8)
    found = figures(logits, labels, np.full(4, 11, np.uint8)).calibration
    assert [point["rows"] for point in found] == [2, 1, 1]
    assert [point["probability"] for point in found] == pytest.approx([0.15, 0.55, 0.97])
    assert [point["share"] for point in found] == [0.5, 1, 1]


def test_without_labels_there_are_no_figures():
    found = figures(labels=np.full(400, NO_LABEL, np.uint8))
    assert (found.metrics, found.calibration, found.by_highest_tile) == ({"rows": 0}, [], {})
    assert found.says == "the game reaches 2048"
