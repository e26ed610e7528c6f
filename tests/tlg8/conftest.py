"""A small pack of blocks, and words for a run on it that takes seconds."""

import pytest
from rankers import small_pack

import railyard


@pytest.fixture(scope="session")
def block_pack(tmp_path_factory):
    """144 blocks of three images."""
    return small_pack(tmp_path_factory.mktemp("blocks"))


@pytest.fixture(scope="session")
def whole_run(block_pack, tmp_path_factory):
    """The run of `train_words`, for tests that only read it."""
    folder = tmp_path_factory.mktemp("whole")
    _, *words = words_for(block_pack, folder)
    return railyard.train(*words, f"hydra.run.dir={folder / 'run'}").path


@pytest.fixture
def train_words(block_pack, tmp_path):
    """A call of `train` on it; further words may follow."""
    return words_for(block_pack, tmp_path)


def words_for(pack, folder):
    return (
        *("train", "experiment=tlg8/quickstart", f"data.pack={pack}", f"data.sets={folder / 'sets'}"),
        *("data.batch_size=32", "trainer.max_epochs=2", "model.hidden=[6]", "json=true"),
        "callbacks.report.plots=false",
        "data.features.columns=['log1p(score_residual_energy_by_predictor)',reorder_tv_mean]",
    )
