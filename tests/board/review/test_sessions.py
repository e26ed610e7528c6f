"""The catalogue: what is found, noticed, opened, held and refused; each mistake in one sentence."""

import json
import shutil

import pytest
from review_inputs import whole_root
from reviewed import FOREIGN, PACK, reviewed

from railyard.board.review.open_session import OpenSession
from railyard.board.review.problems import Conflict, NotFound
from railyard.board.review.sessions import Catalogue, in_root, of_pool, one
from railyard.core.errors import UserError


@pytest.fixture
def copied(inputs, tmp_path):
    """A root of its own with one session, and the session's folder."""
    session = inputs["own"].folder
    folder = tmp_path / "root" / session.parents[1].name / session.parent.name / session.name
    shutil.copytree(session, folder)
    return tmp_path / "root", folder


def test_sessions_of_a_root_are_listed_newest_first(inputs):
    root = inputs["own"].folder.parents[2].parent
    places = Catalogue(whole_root(root)).places()
    assert {place.folder for place in places.values()} == {inputs[kind].folder for kind in inputs if kind != "foreign"}
    times = [place.source["created_at"] for place in places.values()]
    assert times == sorted(times, reverse=True)


def test_a_new_session_is_noticed_and_a_deleted_one_forgotten(copied):
    root, folder = copied
    catalogue = Catalogue(in_root(root))
    assert len(catalogue.places()) == 1
    other = folder.with_name("2031-01-01T00-00-00Z")
    shutil.copytree(folder, other)
    source = json.loads((other / "source.json").read_text())
    (other / "source.json").write_text(json.dumps({**source, "id": "other", "created_at": "2031-01-01T00:00:00+00:00"}))
    assert catalogue.newest().id == "other"
    shutil.rmtree(other)
    assert len(catalogue.places()) == 1


def test_two_sessions_of_one_id_are_one_and_it_is_said(copied, caplog):
    root, folder = copied
    shutil.copytree(folder, folder.with_name("2031-01-01T00-00-00Z"))
    assert len(Catalogue(in_root(root)).places()) == 1
    assert "delete one" in caplog.text


def test_so_many_are_held_open_and_the_one_used_last_stays(inputs):
    kinds = ("own", "no_sidecar", "action_policy")
    places = [next(inputs[kind].find()) for kind in kinds]
    catalogue = Catalogue(lambda: iter(places), most_open=2)
    first, second = (catalogue.open(place.id) for place in places[:2])
    assert catalogue.open(places[0].id) is first
    catalogue.open(places[2].id)
    assert catalogue.open(places[0].id) is first
    assert catalogue.open(places[1].id) is not second


def test_an_unknown_id_is_not_found_and_never_a_path(copied):
    root, folder = copied
    catalogue = Catalogue(in_root(root))
    for name in ("none", "../" + folder.name, str(folder), "", ".", "\x00"):
        with pytest.raises(NotFound, match="not found"):
            catalogue.open(name)


def refusal(root):
    catalogue = Catalogue(in_root(root))
    with pytest.raises(UserError) as refused:
        catalogue.open(next(iter(catalogue.places())))
    return str(refused.value)


def test_a_session_still_being_written_is_told_so(copied):
    root, folder = copied
    (folder / "annotation_manifest.json").unlink()
    assert "is still being written: ask again when railyard annotate has completed it" in refusal(root)
    with reviewed(in_root(root)) as client:
        (found,) = client.get("/sessions").json()["sessions"]
        assert (found["finished"], found["runs"]) == (False, None)
        answer = client.get(f"/sessions/{found['id']}/runs")
        assert (answer.status_code, answer.json()["status"]) == (409, 409)
        assert client.get("/health").json()["status"] == "ok"
        old = client.get("/runs")
        assert (old.status_code, old.text) == (404, "there is no finished session yet")


def test_a_missing_shard_is_named(copied):
    root, folder = copied
    (folder / "annotations-00000.npy").unlink()
    sentence = refusal(root)
    assert "annotations-00000.npy is missing" in sentence
    assert "restore it" in sentence


def test_a_cut_shard_is_named(copied):
    root, folder = copied
    file = folder / "annotations-00000.npy"
    file.write_bytes(file.read_bytes()[:-10])
    assert "annotations-00000.npy is truncated" in refusal(root)


def test_a_pool_that_changed_or_went_is_told(copied, inputs, tmp_path):
    root, folder = copied
    pool = tmp_path / "pool"
    shutil.copytree(inputs["own"].pool, pool)
    source = json.loads((folder / "source.json").read_text())
    (folder / "source.json").write_text(json.dumps({**source, "pool": str(pool)}))
    Catalogue(in_root(root)).newest()
    steps = next(pool.glob("steps*.npy"))
    data = bytearray(steps.read_bytes())
    data[-40:] = bytes(40)
    steps.write_bytes(data)
    assert "has changed since session" in refusal(root)
    shutil.rmtree(pool)
    assert "put it back, or name both folders" in refusal(root)


def test_bins_of_a_foreign_folder_that_do_not_fit_are_told(tmp_path):
    folder = tmp_path / "foreign"
    shutil.copytree(FOREIGN, folder)
    manifest = json.loads((folder / "annotation_manifest.json").read_text())
    manifest["student_bins"]["num_bins"] = 8
    (folder / "annotation_manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Conflict, match=r"the bins of .*foreign do not fit its annotation_manifest.json: "):
        OpenSession(next(of_pool(PACK, [folder])()))


def test_a_shorter_sidecar_is_cut_with_a_warning(tmp_path, caplog, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "foreign"
    shutil.copytree(FOREIGN, folder)
    (folder / "annotations-student-00002.npy").unlink()
    with reviewed(of_pool(PACK, [folder])) as client:
        runs = client.get("/runs", params={"sort": "steps_asc"}).json()["runs"]
        steps = [step for run in runs for step in client.get(f"/runs/{run['run_id']}?limit=1000").json()["steps"]]
    assert "the others have none" in caplog.text
    annotated = [step for step in steps if "annotation" in step]
    assert any("student_bins" not in step for step in annotated)
    for step in annotated:
        assert bool(step["annotation"]["policy_kind_mask"] & 8) == ("student_bins" in step)


def test_what_is_no_session_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no session of railyard annotate"):
        one(tmp_path)
    with pytest.raises(UserError, match=r"holds no annotation_manifest.json"):
        of_pool(PACK, [tmp_path])
