"""Multipliers against the reference's numbers."""

import json
from pathlib import Path

import pytest

from railyard.board.training.schedules import Constant, Cosine

CASES = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "09_lr_schedule.json").read_text())
KEYS = {"warmup_steps": "warmup_steps", "min_lr_ratio": "min_ratio"}
COSINES = [name for name, case in CASES.items() if case["cfg"]["name"] == "cosine"]


@pytest.mark.parametrize("name", COSINES)
def test_cosine_is_the_references(name):
    case = CASES[name]
    schedule = Cosine(**{KEYS[key]: value for key, value in case["cfg"].items() if key in KEYS})
    found = [schedule.multiplier(step, case["total"]) for step in case["step"]]
    assert found == pytest.approx(case["scale"], rel=1e-12)


def test_there_are_reference_cosines():
    assert COSINES


def test_constant_is_one_throughout():
    assert {Constant().multiplier(step, 100) for step in CASES["constant"]["step"]} == set(CASES["constant"]["scale"])


def test_a_warm_up_as_long_as_the_run_only_rises():
    rates = [Cosine(warmup_steps=10).multiplier(step, 10) for step in range(10)]
    assert rates == [(step + 1) / 10 for step in range(10)]


def test_the_rate_is_flat_beyond_the_end():
    assert Cosine(min_ratio=0.1).multiplier(500, 100) == pytest.approx(0.1)


@pytest.mark.parametrize(("left", "rows"), [(0.51, 1), (0.5, 2), (0.26, 2), (0.25, 4)])
def test_the_batch_grows_at_a_half_and_at_a_quarter_themselves(left, rows):
    assert Cosine(min_ratio=left, grow_batch=True).accumulation(100, 100) == rows
