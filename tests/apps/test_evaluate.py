"""`railyard evaluate`: what it looks at, without a model."""

import pytest

from railyard.core import run as runs


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give exactly one of run=, ckpt_path= and bundle=, got none"),
        (["run=a", "bundle=b"], "got run, bundle"),
        (["run=a", "split=valid"], "did you mean 'validation'?"),
        (["run=a", "batch_size=0"], "batch_size: must be greater than or equal to 1, got 0"),
        (["run=nowhere"], "nowhere is not a run folder"),
        (["bundle=b"], "add data=board_pack data.pack=PACK"),
        (["run=run"], "holds neither init/ nor a checkpoint"),
        (["run=a", "data=board_pack"], "data.pack: a value is required here"),
    ],
)
def test_mistakes(railyard, work, words, reason):
    (work / "run").mkdir()
    runs.write_config(work / "run", {"data": {}})
    done = railyard("evaluate", *words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


def test_the_runs_data_with_one_key_changed(work, tmp_path):
    from railyard.apps.evaluate import _data
    from railyard.core.experiment import Evaluate

    data = {"_target_": "railyard.board.training.config.PackData", "pack": "old", "batch_size": 8}
    runs.write_config(tmp_path, {"data": data})
    changed = _data(Evaluate(run=tmp_path, data={"pack": "new"}))
    assert (str(changed.pack), changed.batch_size) == ("new", 8)
