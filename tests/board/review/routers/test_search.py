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


def test_an_illegal_argmax_is_found(client, ids, out):
    session = opened(out)["fake"]
    rows = np.arange(len(session.pool))
    heads = session.annotated.annotations.gather(rows)["argmax_head"]
    batch = session.pool.batch(0, len(rows))
    wanted = np.flatnonzero(
        ~np.array([legal >> head & 1 for legal, head in zip(batch.legal_B, heads, strict=True)], bool)
    )
    params = {"where": "illegal_argmax=1, entropy!=null", "limit": 1000}
    found = client.get(f"/sessions/{ids['fake']}/steps/search", params=params).json()
    assert len(wanted)
    assert [hit["row"] for hit in found["hits"]] == wanted.tolist()
    params = {"where": "illegal_argmax=yes"}
    assert client.get(f"/sessions/{ids['fake']}/steps/search", params=params).status_code == 400


def test_what_conditions_may_be_about(client, ids, out):
    found = client.get(f"/sessions/{ids['fake']}/columns").json()
    percentiles = {column["name"]: column["percentiles"] for column in found["columns"]}
    entropy = columns_of(opened(out)["fake"])["entropy"]
    np.testing.assert_allclose(percentiles["entropy"][98], np.percentile(entropy, 99), rtol=1e-6)
    assert percentiles["run_id"] is None
    assert {"score", "valuation", "value_p_die", "illegal_argmax"} <= percentiles.keys()
    assert "search" in found["valuations"]


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


WORDS = ("nan", "NaN", "inf", "-inf", "Infinity", "-infinity")
HUGE = ("9" * 400, "-" + "9" * 400, "9" * 4000, "1e400", "-1e400", "18446744073709551616", "-9223372036854775809")
TINY = ("1e-999", "-0.0", "0" * 4000)
NUMBERS = ("entropy", "row", "run_id", "seed", "score")  # one of each way of judging
FEW = ("inf", HUGE[0], "-1e400", "1e-999")  # of each kind of number some


def of_endpoint(endpoint, cases, few):
    """All cases of the search, which the other endpoints share, and few of theirs; the rest are slow."""
    marks = {case: () if endpoint == "steps/search" or case in few else (pytest.mark.slow,) for case in cases}
    return [pytest.param(endpoint, case, marks=marks[case]) for case in cases]


@pytest.mark.parametrize(
    ("endpoint", "number"),
    [
        *of_endpoint("steps/search", (*WORDS, *HUGE, *TINY), FEW),
        *of_endpoint("export", (*WORDS, *HUGE, *TINY), FEW),
        *of_endpoint("compare/{other}/steps", (*WORDS, *HUGE, *TINY), FEW),
    ],
)
def test_no_number_of_a_condition_breaks_an_answer(client, ids, endpoint, number):
    """Words for NaN and infinity are no numbers of the grammar; numbers beyond every float are compared as they are."""
    path = f"/sessions/{ids['fake']}/{endpoint.format(other=ids['other'])}"
    keys = {"columns": "row"} if endpoint == "export" else {"limit": 1}
    keys |= {"group": "wrong"} if "compare" in endpoint else {}

    def total(where):
        found = client.get(path, params={"where": where, **keys})
        assert found.status_code == 200, found.text
        return int(found.headers["x-railyard-total"]) if endpoint == "export" else found.json()["total"]

    all_of_them = total("row>=0")
    for name in NUMBERS:
        if number in WORDS:
            for operator in ("<", "=", "!=", ">="):
                found = client.get(path, params={"where": f"{name}{operator}{number}", **keys})
                assert (found.status_code, found.headers["content-type"]) == (400, MEDIA_TYPE), found.text
            continue
        if number in TINY:
            assert total(f"{name}>={number}") == all_of_them
            assert total(f"{name}<{number}") == 0
            continue
        is_low = number.startswith("-")
        for operator in ("<", "<="):
            assert total(f"{name}{operator}{number}") == (0 if is_low else all_of_them), (name, operator)
        for operator in (">", ">="):
            assert total(f"{name}{operator}{number}") == (all_of_them if is_low else 0), (name, operator)
        assert total(f"{name}={number}") == 0
        assert total(f"{name}!={number}") == all_of_them


METRICS = ("entropy", "max_rank", "row", "run_id", "step_index", "seed", "score", "valuation")


@pytest.mark.parametrize(
    ("endpoint", "metric"),
    [
        *of_endpoint("steps/search", METRICS, ()),
        *of_endpoint("export", METRICS, ("entropy", "seed", "valuation")),
    ],
)
def test_no_bound_of_a_metric_breaks_an_answer(client, ids, endpoint, metric):
    path = f"/sessions/{ids['fake']}/{endpoint}"
    keys = {"columns": "row"} if endpoint == "export" else {"limit": 1}
    for bound in ("min", "max"):
        for number in (*WORDS, *HUGE, *TINY, "", "x", "0x10", "null"):
            found = client.get(path, params={"metric": metric, bound: number, **keys})
            assert found.status_code in (200, 400), (bound, number[:30], found.text)
            is_nan = number.lower() == "nan"
            if is_nan or metric == "valuation" or number in ("", "x", "0x10", "null"):
                assert found.status_code == 400, (bound, number[:30])
                assert found.headers["content-type"] == MEDIA_TYPE
                continue
            if found.status_code == 400:
                continue
            is_all = (bound == "min") == (number in TINY or number.startswith("-"))
            total = int(found.headers["x-railyard-total"]) if endpoint == "export" else found.json()["total"]
            if bound == "min" or number not in TINY:
                assert (total > 0) == is_all, (bound, number[:30])
    found = client.get(path, params={"min": "inf"})
    assert found.status_code == 400
    assert "min and max are bounds of a metric" in found.json()["detail"]
    for low, high in (("-inf", "inf"), ("inf", "-inf"), ("nan", "nan"), ("1e400", "-1e400")):
        assert client.get(path, params={"metric": metric, "min": low, "max": high}).status_code in (200, 400)


@pytest.mark.parametrize(
    "text", ["9223372036854775807/inf/", "-1/nan/", "1e3/inf/", f"{10**80}/0/", "-2/inf/", "0/inf/0/", "nan/nan/"]
)
def test_numbers_of_a_forged_cursor(client, ids, text):
    import base64

    from railyard.board.review.search import Query

    for sort in (None, "entropy"):
        cursor = base64.urlsafe_b64encode((text + Query(sort=sort).digest).encode()).decode().rstrip("=")
        params = {"cursor": cursor, **({"sort": sort} if sort else {})}
        found = client.get(f"/sessions/{ids['fake']}/steps/search", params=params)
        assert found.status_code == (200 if text == "-1/nan/" else 400), found.text


@pytest.mark.parametrize("limit", [0, 1, 1001, 2**31, 2**53 + 1, 2**63 - 1])
def test_huge_limits_are_cut(client, ids, limit):
    found = client.get(f"/sessions/{ids['fake']}/steps/search", params={"limit": limit}).json()
    assert len(found["hits"]) == min(max(limit, 1), 1000)
    for wrong in (2**63, -1, "nan", "inf", 10**400):
        assert client.get(f"/sessions/{ids['fake']}/steps/search", params={"limit": wrong}).status_code == 400
