import io
import json

import numpy as np
import pytest
from review_sessions import columns_of, opened, two_sessions
from reviewed import reference, reviewed

from railyard.board.review.problems import MEDIA_TYPE
from railyard.board.review.sessions import in_root


@pytest.fixture(scope="module")
def out(tiny_pack, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    two_sessions(tiny_pack, out)
    return out


@pytest.fixture(scope="module")
def ids(out):
    return {tag: session.id for tag, session in opened(out).items()}


@pytest.fixture(scope="module")
def client(out):
    with reviewed(in_root(out), root=out) as client:
        yield client


def test_hits_name_run_step_and_row(client, ids, out):
    columns = columns_of(opened(out)["fake"])
    wanted = np.flatnonzero(columns["disagreement"] == 1)
    answer = client.get(f"/sessions/{ids['fake']}/steps/search", params={"where": "disagreement=1", "limit": 5})
    assert answer.status_code == 200
    found = answer.json()
    assert found["total"] == len(wanted)
    assert found["hits"] == [
        {"row": row, "run_id": int(columns["run_id"][row]), "step_index": int(columns["step_index"][row])}
        for row in wanted[:5].tolist()
    ]
    rest = client.get(
        f"/sessions/{ids['fake']}/steps/search",
        params={"where": "disagreement=1", "limit": 1000, "cursor": found["next"]},
    ).json()
    assert [hit["row"] for hit in rest["hits"]] == wanted[5:1005].tolist()


def test_the_form_of_the_source(client, ids, out):
    gaps = columns_of(opened(out)["fake"])["logit_gap"]
    answer = client.get(
        f"/sessions/{ids['fake']}/steps/search", params={"metric": "logit_gap", "min": 0.5, "sort": "logit_gap"}
    ).json()
    assert answer["total"] == (gaps >= 0.5).sum()
    found = gaps[[hit["row"] for hit in answer["hits"]]]
    assert (np.diff(found) <= 0).all()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"where": "entropi>1"}, "did you mean 'entropy'"),
        ({"sort": "entropi"}, "did you mean 'entropy'"),
        ({"metric": "entropy", "min": "nan"}, "min"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "many"}, "limit"),
    ],
)
def test_questions_that_cannot_be_asked(client, ids, params, words):
    answer = client.get(f"/sessions/{ids['fake']}/steps/search", params=params)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert words in answer.json()["detail"]


def test_infinite_bounds(client, ids):
    path = f"/sessions/{ids['fake']}/steps/search"
    for metric in ("entropy", "row", "step_index", "seed"):
        for low in ("-inf", "inf", "1e300"):
            params = {"metric": metric, "min": low}
            answer = client.get(path, params=params)
            assert answer.status_code == 200
            assert (answer.json()["total"] > 0) == (low == "-inf")
        assert client.get(path, params={"where": f"{metric}>1e999"}).json()["total"] == 0


def test_two_models_are_compared(client, ids):
    found = client.get(f"/sessions/{ids['fake']}/compare/{ids['other']}").json()
    groups = found["groups"]
    assert sum(groups.values()) == found["rows"]
    assert found["divergence"]["of"] == "policies"
    assert found["provenance"]["tag"] == {"first": "fake", "second": "other"}
    for group in ("fixed", "broken", "right", "wrong"):
        hits = client.get(
            f"/sessions/{ids['fake']}/compare/{ids['other']}/steps", params={"group": group, "limit": 1}
        ).json()
        assert hits["total"] == groups[group]
    first = client.get(
        f"/sessions/{ids['fake']}/compare/{ids['other']}/steps", params={"group": "wrong", "limit": 1}
    ).json()
    other = client.get(
        f"/sessions/{ids['fake']}/compare/{ids['other']}/steps", params={"group": "right", "cursor": first["next"]}
    )
    assert other.status_code == 400
    assert client.get(f"/sessions/{ids['fake']}/compare/nobody").status_code == 404
    unknown = client.get(f"/sessions/{ids['fake']}/compare/{ids['other']}/steps", params={"group": "mended"})
    assert unknown.status_code == 400


@pytest.mark.parametrize("format", ["csv", "jsonl", "npz"])
def test_files(client, ids, format):
    answer = client.get(
        f"/sessions/{ids['fake']}/export",
        params={"where": "row<20", "format": format, "columns": "row,entropy"},
    )
    assert answer.status_code == 200
    assert answer.headers["x-railyard-rows"] == answer.headers["x-railyard-total"] == "20"
    assert answer.headers["x-railyard-cut"] == "false"
    assert f"steps.{format}" in answer.headers["content-disposition"]
    if format == "csv":
        rows = [int(line.split(",")[0]) for line in answer.text.splitlines()[1:]]
    elif format == "jsonl":
        rows = [json.loads(line)["row"] for line in answer.text.splitlines()]
    else:
        rows = np.load(io.BytesIO(answer.content), allow_pickle=False)["row"].tolist()
    assert rows == list(range(20))
    assert client.get(f"/sessions/{ids['fake']}/export", params={"format": "xml"}).status_code == 400
    assert client.get(f"/sessions/{ids['fake']}/export", params={"columns": "nothing"}).status_code == 400


def test_folders_made_elsewhere_are_searched_too(tmp_path, monkeypatch):
    with reference(tmp_path, monkeypatch) as client:
        (session,) = client.get("/sessions").json()["sessions"]
        found = client.get(f"/sessions/{session['id']}/steps/search", params={"where": "disagreement=1"}).json()
        runs = client.get("/runs").json()["runs"]
        assert found["total"] > 0
        assert {hit["run_id"] for hit in found["hits"]} <= {run["run_id"] for run in runs}
