import numpy as np
import pytest
from annotators import annotate

from railyard.board.annotation.describe import describe_session, is_session
from railyard.core.store import durable


def test_a_session_is_shown_before_a_pack(railyard, work, tiny_pack):
    folder, _ = annotate(tiny_pack, work)
    done = railyard("show", f"path={folder}", "out=shown", "json=true")
    facts = done.json
    assert (facts["kind"], facts["rows"], facts["runs"], facts["num_bins"]) == ("annotation session", 1200, 3, 5)
    assert facts["integrity"] == "every file is as annotation_manifest.json says"
    assert facts["total_disagreements"] > 0
    assert facts["medians"].keys() == set(facts["columns"])
    assert (work / "shown" / "columns.png").is_file()
    rows = np.load(folder / "metrics-00000.npy")
    rows["logit_gap"][5] += 1
    np.save(folder / "metrics-00000.npy", rows)
    done = railyard("show", f"path={folder}")
    assert (done.code, "metrics-00000.npy differs from annotation_manifest.json" in done.err) == (1, True)
    (folder / "metrics-00000.npy").unlink()
    assert "metrics-00000.npy is missing" in railyard("show", f"path={folder}").err


def test_an_unfinished_session_says_how_far_it_came(work, tiny_pack):
    def stop(done, total, before=0, note=""):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(tiny_pack, work, progress=stop)
    (folder,) = work.glob("*/model=fake/*Z")
    facts = describe_session(folder)
    assert (facts["finished"], facts["rows"]) == (False, 1200)
    durable.write_json(folder / "progress.json", {"shard": 0, "rows": 64})
    assert describe_session(folder)["progress"] == {"progress.json": {"shard": 0, "rows": 64}}


def test_annotations_made_elsewhere(fixtures, tiny_pack):
    folder = fixtures / "15_annotations_server"
    assert is_session(folder)
    assert not is_session(tiny_pack)
    facts = describe_session(folder)
    assert (facts["rows"], facts["num_bins"], facts["columns"]) == (650, 11, [])
    assert facts["integrity"] == "annotation_manifest.json has no checksums: it was made elsewhere"
