"""A small pack of blocks, and words for a run on it that takes seconds."""

import pytest
from rankers import small_pack


@pytest.fixture(scope="session")
def block_pack(tmp_path_factory):
    """144 blocks of three images."""
    return small_pack(tmp_path_factory.mktemp("blocks"))


@pytest.fixture
def train_words(block_pack, tmp_path):
    """A call of `train` on it; further words may follow."""
    return (
        *("train", "experiment=tlg8/quickstart", f"data.pack={block_pack}", f"data.sets={tmp_path / 'sets'}"),
        *("data.batch_size=32", "trainer.max_epochs=2", "model.hidden=[6]", "json=true"),
        "callbacks.report.plots=false",
        "data.features.columns=['log1p(score_residual_energy_by_predictor)',reorder_tv_mean]",
    )
