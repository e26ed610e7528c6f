"""A cut of the proof `attack`: hostile folders and mutated files that no reader may fall over."""

from random import Random

import attack_harness as harness
import attack_kinds as table
import pytest

FOLDERS, MUTATIONS, SEED = 20, 500, 3


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return table.kinds(tmp_path_factory.mktemp("attack") / "made")


@pytest.mark.slow
def test_no_reader_falls_over(kinds, tmp_path):
    folders = Random(SEED).sample(list(table.hostile(kinds)), FOLDERS)
    trials = [*folders, *harness.mutations(kinds, MUTATIONS, SEED)]
    outcomes = list(harness.run(trials, tmp_path / "trials"))
    assert [str(outcome) for outcome in outcomes if outcome.faults] == []
    assert sum(outcome.values for outcome in outcomes) > MUTATIONS // 4
    assert sum(len(outcome.sentences) for outcome in outcomes) > MUTATIONS // 4


BAD = {
    "a traceback": lambda *_: 1 / 0,
    "code": lambda *_: __import__("os").system("true"),
    "a write outside": lambda folder, _: (folder / "x").write_text("x"),
    "memory": lambda *_: b"x" * (300 * 2**20) and None,
    "its end": lambda *_: __import__("os").abort(),
    "time": lambda *_: __import__("time").sleep(9),
}


@pytest.mark.parametrize("what", BAD)
def test_the_harness_sees(what, tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "SECONDS", 1)
    kind = harness.Kind("kind", {"a": b"x"}, (BAD[what],))
    trials = [harness.Trial(kind, str(number), lambda _: None) for number in range(2)]
    outcomes = list(harness.run(trials, tmp_path / "trials"))
    assert [len(outcome.faults) for outcome in outcomes] == [1, 1]
