import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from railyard.board.packs import describe as module
from railyard.board.packs.describe import describe, describe_any, kind_of
from railyard.board.packs.importing import import_logs
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import SELFPLAY
from railyard.core.errors import UserError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    out = tmp_path_factory.mktemp("packs") / "sample"
    import_logs(Path(__file__).parents[3] / "samples" / "board", out, shard_rows=20_000)
    return out


def test_what_the_sample_holds(sample):
    facts = describe(Pack.open(sample))
    assert (facts["kind"], facts["rows"], facts["runs"], facts["shards"]) == ("pack", 47053, 6, 3)
    assert facts["score"] == {"min": 102528, "median": 151428.0, "mean": 1193788 / 6, "max": 387284}
    assert facts["rows_per_run"]["max"] == 14899
    assert facts["highest_tile"] == {"8192": 4, "16384": 2}
    assert sum(facts["valuation_types"].values()) == sum(facts["max_rank"].values()) == 47053
    assert set(facts["valuation_types"]) == {"search", "tuple11", "tuple10"}
    assert facts["legality"]["rows_as_on_board"] == 1.0
    assert facts["integrity"] == "every file is as the manifest says"
    assert json.loads(json.dumps(facts)) == facts


def test_chunks_do_not_show(sample, monkeypatch):
    pack = Pack.open(sample)
    whole = describe(pack)
    monkeypatch.setattr(module, "CHUNK", 777)
    assert describe(pack) == whole


def test_counts_are_those_of_the_rows(fixtures):
    pack = Pack.open(fixtures / "03_pack")
    rows = pack.rows.gather(np.arange(len(pack)))
    facts = describe(pack)
    for index, name in enumerate(pack.valuation_names):
        assert facts["valuation_types"][name] == (rows["valuation_type"] == index).sum()
    assert facts["max_rank"] == {str(r): (rows["max_rank"] == r).sum() for r in np.unique(rows["max_rank"])}
    bits = np.unpackbits(rows["ev_legal"]).sum()
    assert facts["legality"]["legal_branches_per_row"] == pytest.approx(bits / 654)
    assert 0 < facts["legality"]["rows_as_on_board"] < 0.1  # this pack's legality is made up
    assert facts["integrity"].startswith("no manifest")


def test_a_damaged_file_is_told(sample, tmp_path):
    folder = shutil.copytree(sample, tmp_path / "pack")
    with (folder / "steps-00001.npy").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    assert "steps-00001.npy differs from manifest.json" in describe(Pack.open(folder))["integrity"]


def test_a_row_of_a_type_without_a_name_is_refused(sample, tmp_path):
    folder = shutil.copytree(sample, tmp_path / "pack")
    rows = np.load(folder / "steps-00000.npy")
    rows["valuation_type"][100] = 9
    np.save(folder / "steps-00000.npy", rows)
    with pytest.raises(UserError, match=r"1 rows have valuation type 9, valuation_types\.json ends at 2"):
        describe(Pack.open(folder))


@pytest.fixture
def pool(tmp_path, fixtures):
    folder = tmp_path / "pool"
    folder.mkdir()
    shutil.copy(fixtures / "03_selfplay_v1_steps.npy", folder / "steps-000001.npy")
    rows = np.load(folder / "steps-000001.npy")
    with runs_writer(folder / "metadata.db") as runs:
        for run, steps in zip(*np.unique(rows["run_id"], return_counts=True), strict=True):
            runs.add(Run(int(run), 1, int(steps), 500, 64))
    return folder


@pytest.fixture
def legacy(tmp_path):
    rows = np.zeros(3, [("board", "<u8"), ("ev_values", "<f4", (4,)), ("move", "u1")])
    rows["board"], rows["move"] = [0x21, 0x22, 0x31], [0, 3, 3]
    (tmp_path / "legacy").mkdir()
    np.save(tmp_path / "legacy" / "steps.npy", rows)
    return tmp_path / "legacy"


def test_kinds_are_told_apart_by_their_columns(sample, pool, legacy, fixtures, tmp_path):
    for path, kind in ((sample, "pack"), (fixtures / "03_pack", "pack"), (pool, "selfplay"), (legacy, "legacy")):
        assert kind_of(path) == kind
    assert kind_of(legacy / "steps.npy") == "legacy"
    assert kind_of(tmp_path) == "pack"  # which says what is missing


def test_what_a_pool_holds(pool):
    facts = describe_any(pool)
    assert (facts["kind"], facts["rows"], facts["shards"], facts["recorded_at"]) == ("self-play pool", 5, 1, None)
    assert facts["max_rank"] == {"15": 5}
    assert facts["embedding_width"] is None
    assert facts["integrity"] == "every run has its rows"
    assert json.loads(json.dumps(facts)) == facts


def test_rows_that_do_not_fit_the_runs_are_told(pool):
    (pool / "metadata.db").unlink()
    with runs_writer(pool / "metadata.db") as runs:
        runs.add(Run(0, 1, 3, 500, 64))
        runs.add(Run(1, 1, 99, 500, 64))
    assert "1 runs do not have the number of rows" in describe_any(pool)["integrity"]
    rows = np.zeros(2, SELFPLAY)
    rows["run_id"] = 5
    np.save(pool / "steps-000002.npy", rows)
    assert "2 rows are of runs that metadata.db does not know" in describe_any(pool)["integrity"]


def test_a_pool_without_finished_runs_is_described(pool):
    (pool / "metadata.db").unlink()
    with runs_writer(pool / "metadata.db"):
        pass
    facts = describe_any(pool)
    assert (facts["runs"], facts["score"]) == (0, {})


def test_what_a_legacy_pack_holds(legacy):
    facts = describe_any(legacy)
    assert (facts["kind"], facts["rows"]) == ("legacy pack", 3)
    assert facts["moves"] == {"up": 1, "down": 0, "left": 0, "right": 2}
    assert facts["max_rank"] == {"2": 2, "3": 1}
    assert json.loads(json.dumps(facts)) == facts


def test_any_other_kind_is_refused_as_a_pack(sample, tmp_path):
    assert describe_any(sample)["kind"] == "pack"
    with pytest.raises(UserError, match=r"holds neither steps\.npy nor"):
        describe_any(tmp_path)
