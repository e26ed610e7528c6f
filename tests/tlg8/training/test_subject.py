"""Which blocks a ranker may be judged by."""

from pathlib import Path

import pytest

from railyard.core.errors import UserError
from railyard.core.training.subject import Subject
from railyard.tlg8.features.config import Features
from railyard.tlg8.training.config import BlockData
from railyard.tlg8.training.subject import check

FEATURES = {"_target_": "railyard.tlg8.features.config.Features", "columns": ["pixel_range"]}
CONFIG = {"data": {"_target_": "railyard.tlg8.training.config.BlockData", "pack": "p", "features": FEATURES}}


def subject(pack="p", **keys):
    data = BlockData(pack=Path(pack), features=Features(columns=["pixel_range"]), **keys)
    return Subject(data, CONFIG, run=Path("run"))


@pytest.mark.parametrize("keys", [{"split_seed": 5}, {"fraction": 0.5}, {"split": "image"}])
def test_blocks_that_the_run_learned_from_are_not_held_out(keys):
    ((name, value),) = keys.items()
    with pytest.raises(UserError, match=f"data.{name}={value} holds out other blocks than run did"):
        check(subject(**keys))


def test_the_runs_own_split_and_other_packs_pass():
    check(subject())
    check(subject(pack="./p", batch_size=8))
    check(subject(pack="q", split_seed=5))
    check(Subject(subject(split_seed=5).data, {}, init=Path("init")))


def test_other_data_is_refused():
    with pytest.raises(UserError, match="takes packs of blocks"):
        check(Subject(3, {}))
