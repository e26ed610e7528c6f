import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from railyard.board.packs import describe as module
from railyard.board.packs.describe import describe
from railyard.board.packs.importing import import_logs
from railyard.board.packs.pack import Pack
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
