import pytest
from reviewed import FOREIGN, PACK, reviewed

from railyard.board.review.sessions import in_root, of_pool

BODY = {"where": "disagreement=1", "sort": "logit_gap", "session": None, "note": "look"}


@pytest.fixture
def client(tmp_path):
    with reviewed(in_root(tmp_path), root=tmp_path) as client:
        yield client


def test_views_come_and_go(client, tmp_path):
    assert client.get("/views").json() == {"views": [], "may_write": True}
    saved = client.put("/views/sure and wrong", json=BODY)
    assert saved.status_code == 200
    assert {**BODY, "name": "sure and wrong"}.items() <= saved.json().items()
    assert client.get("/views").json()["views"] == [saved.json()] == [client.get("/views/sure%20and%20wrong").json()]
    assert len(list((tmp_path / "views").iterdir())) == 1
    assert client.delete("/views/sure and wrong").status_code == 204
    assert client.get("/views/sure and wrong").status_code == 404
    assert client.delete("/views/sure and wrong").status_code == 404


def test_what_cannot_be_kept(client):
    for name, body in [("a", {"where": "a ?? b"}), ("a", {"other": 1}), ("x" * 101, BODY), ("%0a", BODY)]:
        assert client.put(f"/views/{name}", json=body).status_code == 400


def test_servers_that_only_read(tmp_path):
    for find, knobs in [
        (of_pool(PACK, [FOREIGN]), {"pool": PACK, "annotations": FOREIGN}),
        (in_root(tmp_path), {"root": tmp_path, "read_only": True}),
    ]:
        with reviewed(find, **knobs) as client:
            assert client.put("/views/a", json=BODY).status_code == 403
            assert client.get("/views").json() == {"views": [], "may_write": False}


@pytest.mark.parametrize("number", ["nan", "inf", "9" * 3000, "1e400", "-1e400"])
def test_no_number_of_a_view_breaks_it(client, number):
    for where in (f"entropy={number}", f"entropy>{number}"):
        found = client.put("/views/numbers", json={"where": where})
        assert found.status_code in (200, 400)
        if found.status_code == 200:
            assert client.get("/views/numbers").json()["where"] == where
