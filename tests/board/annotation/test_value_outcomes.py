import numpy as np
import pytest
import yaml
from annotators import annotate, facts

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.annotation.value_outcomes import ValueTally, outcomes_of
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.pack import Pack
from railyard.board.training.outcomes import DiesWithin, Reaches

HEADS = {
    "p_die": {"_target_": "railyard.board.training.outcomes.DiesWithin", "moves": 100},
    "reach": {"_target_": "railyard.board.training.outcomes.Reaches", "tile": 16},
}


@pytest.fixture
def run(tmp_path):
    """A run's folder with what its config says of the model."""
    optimizer = {"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 1e-3}
    model = {"_target_": "railyard.board.training.config.BoardModel", "optimizer": optimizer, "value_heads": HEADS}
    (tmp_path / "run" / "init").mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump({"model": model}))
    return tmp_path / "run"


def test_outcomes_come_from_the_config_of_the_run(run, tmp_path):
    assert outcomes_of(run / "init") == {"p_die": DiesWithin(moves=100), "reach": Reaches(tile=16)}
    assert outcomes_of(tmp_path / "elsewhere") == {}
    for text in ("model: {_target_: os.system}", "[", "- 3"):
        (run / "config.yaml").write_text(text)
        assert outcomes_of(run / "init") == {}


def test_sums_as_row_by_row(tiny_pack):
    pack, pool = Pack.open(tiny_pack), AnnotationPool.open(tiny_pack)
    ranks = pool.batch(0, 1200).exponents_B16.max(axis=1).astype(np.float32)
    said = np.random.default_rng(0).random(1200).astype(np.float32)
    died, reached = ValueTally(DiesWithin(moves=100), pack), ValueTally(Reaches(tile=16), pack)
    for rows in (np.arange(0, 500), np.arange(500, 1200)):
        for tally in (died, reached):
            tally.add(rows, ranks[rows], said[rows])
    place = np.arange(1200) % 400
    assert died.whole.rows == 1200
    assert died.whole.brier() == pytest.approx(np.mean((said - (place >= 300)) ** 2))
    small = ranks < 4
    assert reached.whole.rows == small.sum()
    assert reached.whole.brier() == pytest.approx(np.mean((said[small] - 1) ** 2))
    assert set(reached.by_rank) == set(ranks.astype(int).tolist())
    assert reached.by_rank[int(ranks.max())].brier() is None


def test_the_report_compares_the_heads_of_a_run(run, tiny_pack, tmp_path):
    said = facts(heads=(("p_die", 1), ("other", 1)))
    folder, _ = annotate(tiny_pack, tmp_path / "out", said, init=run / "init")
    text = (folder / "report.md").read_text()
    probabilities = AnnotationSession.open(folder).columns["value_p_die"].gather(np.arange(1200))
    brier = np.mean((probabilities - (np.arange(1200) % 400 >= 300)) ** 2)
    assert f"| p_die | the game ends within 100 moves | 1,200 | {brier:.4f} |" in text
    assert "## Value heads by highest tile" in text
    alone, _ = annotate(tiny_pack, tmp_path / "alone", said)
    assert "no run's config says what they learn" in (alone / "report.md").read_text()
