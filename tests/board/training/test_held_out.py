"""Games that a run learned from are not scored as held out."""

import pytest

from railyard.board.packs.pack import Pack
from railyard.board.training.config import PackData
from railyard.board.training.held_out import refuse_trained_on
from railyard.board.training.split import Split
from railyard.core.errors import UserError
from railyard.core.runs.folder import write_config
from railyard.core.store import durable


def split(pack, seed, fraction=0.3):
    return pack.runs.id[Split.of(pack.runs.steps, fraction, seed).validation].tolist()


@pytest.fixture
def run(tmp_path, tiny_pack, tiny_tokenizer):
    """A run as it stands on the disk, without a model."""
    pack, folder = Pack.open(tiny_pack), tmp_path / "run"
    data = {"pack_fingerprint": pack.fingerprint(), "validation_runs": split(pack, 0)}
    durable.write_json(folder / "provenance.json", {"data": data})
    described = {"_target_": "railyard.board.training.config.PackData", "pack": str(tiny_pack)}
    described |= {"tokenizer": str(tiny_tokenizer), "split_seed": 0, "validation_fraction": 0.3}
    write_config(folder, {"data": described})
    (folder / "init").mkdir()
    return folder


def other_seed(pack):
    return next(seed for seed in range(1, 100) if split(pack, seed) != split(pack, 0))


def test_the_runs_own_split_passes_and_another_one_is_refused(run, tiny_pack):
    pack = Pack.open(tiny_pack)
    data = PackData(pack=tiny_pack, validation_fraction=0.3, split_seed=0)
    refuse_trained_on(run, data)
    seed = other_seed(pack)
    with pytest.raises(UserError, match=rf"1 of the 1 games that data.split_seed={seed} .* {run} learned from .*"):
        refuse_trained_on(run, data.model_copy(update={"split_seed": seed}))
    with pytest.raises(UserError, match=r"1 of the 2 games .*data.validation_fraction=0.6"):
        refuse_trained_on(run, data.model_copy(update={"validation_fraction": 0.6}))


def test_nothing_is_said_of_another_pack_or_of_a_run_without_a_record(run, tiny_pack):
    data = PackData(pack=tiny_pack, validation_fraction=0.3, split_seed=other_seed(Pack.open(tiny_pack)))
    durable.write_json(run / "provenance.json", {"data": {"pack_fingerprint": "x", "validation_runs": []}})
    refuse_trained_on(run, data)
    (run / "provenance.json").unlink()
    refuse_trained_on(run, data)


def test_the_verb_refuses_before_it_makes_a_folder(run, railyard, work, tiny_pack):
    word = f"data.split_seed={other_seed(Pack.open(tiny_pack))}"
    done = railyard("evaluate", f"run={run}", word)
    assert (done.code, done.out) == (2, "")
    assert "learned from" in done.err
    assert "split=all" in done.err
    assert not (work / "outputs").exists()
    said = railyard("evaluate", f"run={run}", word, "split=all")
    assert "learned from" not in said.err
