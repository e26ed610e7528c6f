"""What the reference's server answers: its own responses over its own files, to the last digit; and its bounds, sort
words and faults, against the arrays and metadata.db of the same files."""

import json
import math
import sqlite3

import numpy as np
import pytest
from reviewed import BOARD, FOREIGN, PACK, reference

from railyard.board.review.routers import reference as router

RESPONSES = json.loads((BOARD / "15_server_responses_some.json").read_text())
STEPS = 80  # of run 0


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        reference(tmp_path_factory.mktemp("reference"), patch) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def known():
    """What metadata.db says of runs: a dictionary each, in the order of their ids."""
    database = sqlite3.connect(f"file:{PACK / 'metadata.db'}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT id, seed, steps, max_score, highest_tile FROM runs ORDER BY id").fetchall()
    finally:
        database.close()
    return [dict(zip(("run_id", "seed", "steps", "max_score", "highest_tile"), row, strict=True)) for row in rows]


def shards(folder, stem):
    return np.concatenate([np.load(file) for file in sorted(folder.glob(f"{stem}-[0-9]*.npy"))])


@pytest.fixture(scope="module")
def differing():
    """Step indices at which the best head is another than the move of the pool, by run."""
    heads = {
        (int(row["run_id"]), int(row["step_index"])): int(row["argmax_head"]) for row in shards(FOREIGN, "annotations")
    }
    found = {}
    for row in shards(PACK, "steps"):
        run, step, move = (int(row[name]) for name in ("run_id", "step_index", "move_dir"))
        steps = found.setdefault(run, [])
        if move != 255 and heads.get((run, step), move) != move:
            steps.append(step)
    return found


def asked(client, key):
    """The answer to the request that a fixture's key names."""
    path, _, rest = key.removeprefix("GET ").partition("?")
    params = json.loads(rest) if rest.startswith("{") else dict(part.split("=") for part in rest.split("&") if part)
    return client.get(path, params={name: str(value).lower() for name, value in params.items()})


def told(client, path, **params):
    """A good answer."""
    found = client.get(path, params=params)
    assert found.status_code == 200, found.text
    return found.json()


def ids(client, **params):
    return [run["run_id"] for run in told(client, "/runs", **params)["runs"]]


@pytest.mark.parametrize("key", [key for key in RESPONSES if "4242" not in key and "health" not in key])
def test_a_response_is_that_of_the_reference_to_the_last_digit(client, key):
    found = asked(client, key)
    assert found.status_code == 200, found.text
    assert json.dumps(found.json(), sort_keys=True) == json.dumps(RESPONSES[key], sort_keys=True)


def test_health_holds_what_the_reference_tells_and_more(client):
    found = client.get("/health").json()
    wanted = RESPONSES["GET /health"]
    assert {name: found[name] for name in wanted} == wanted
    assert found["limits"]["runs_page"] == 500
    assert "provenance" not in found


def test_an_unknown_run_is_404_in_the_words_of_the_reference(client):
    wanted = RESPONSES["GET /runs/4242"]
    found = client.get("/runs/4242")
    assert (found.status_code, found.text) == (wanted["status"], wanted["text"])
    assert found.headers["content-type"].startswith("text/plain")


def test_runs_are_those_of_metadata_db_with_the_disagreements_of_the_arrays(client, known, differing):
    runs = told(client, "/runs")["runs"]
    for run in known:
        found = next(each for each in runs if each["run_id"] == run["run_id"])
        assert run.items() <= found.items()
        steps = differing[run["run_id"]]
        assert found["disagreement_count"] == len(steps)
        assert found["disagreement_percentage"] == float(np.float32(len(steps)) / np.float32(run["steps"]))
        answer = told(client, f"/runs/{run['run_id']}/disagreements", limit=1000)
        assert answer == {"disagreements": steps, "total": len(steps)}
    assert any(differing.values())


@pytest.mark.parametrize(
    ("word", "name", "sign"),
    [
        ("score_asc", "max_score", 1),
        ("tile_desc", "highest_tile", -1),
        ("tile_asc", "highest_tile", 1),
        ("steps_desc", "steps", -1),
        ("steps_asc", "steps", 1),
        *((word, "max_score", -1) for word in ("score_desc", "", "SCORE_ASC", "steps", "-steps", "é", None)),
    ],
)
def test_sort_words_and_what_any_other_means(client, known, word, name, sign):
    """Stable: of equal runs the smaller id comes first, also descending."""
    wanted = [run["run_id"] for run in sorted(known, key=lambda run: sign * run[name])]
    assert ids(client, **({} if word is None else {"sort": word})) == wanted


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("score", "max_score", (0, 1, 1000, 7999, 8000, 2**63, 2**64 - 1)),
        ("highest_tile", "highest_tile", (0, 32, 33, 8192, 2**64 - 1)),
        ("steps", "steps", (0, 14, 15, 80, 81, 2**64 - 1)),
    ],
)
def test_bounds_are_inclusive(client, known, name, column, values):
    for value in values:
        for end, holds in (("min", lambda of, bound: of >= bound), ("max", lambda of, bound: of <= bound)):
            found = told(client, "/runs", **{f"{end}_{name}": value, "sort": "score_asc"})
            wanted = [run["run_id"] for run in known if holds(run[column], value)]
            assert [run["run_id"] for run in found["runs"]] == wanted
            assert found["total"] == len(wanted)
    assert ids(client, min_score=2000, max_score=6000, max_highest_tile=512) == [4, 3, 2]
    assert ids(client, min_score=6000, max_score=2000) == []


@pytest.mark.parametrize(
    ("asked", "page", "size"),
    [
        ({}, 1, 25),
        ({"page": 0}, 1, 25),
        ({"page": 2, "page_size": 4}, 2, 4),
        ({"page": 3, "page_size": 4}, 3, 4),
        ({"page": 4, "page_size": 4}, 4, 4),
        ({"page_size": 0}, 1, 1),
        ({"page_size": 1}, 1, 1),
        ({"page_size": 500}, 1, 500),
        ({"page_size": 501}, 1, 500),
        ({"page_size": 2**63 - 1}, 1, 500),
        ({"page": 99}, 99, 25),
        ({"page": 2**63 - 1, "page_size": 2**63 - 1}, 2**63 - 1, 500),
    ],
)
def test_pages_of_runs_are_clamped_and_empty_past_the_end(client, known, asked, page, size):
    found = told(client, "/runs", **asked)
    assert (found["page"], found["page_size"], found["total"]) == (page, size, len(known))
    descending = [run["run_id"] for run in known][::-1]
    assert [run["run_id"] for run in found["runs"]] == descending[(page - 1) * size : page * size]


@pytest.mark.parametrize(
    ("asked", "offset", "limit"),
    [
        ({}, 0, STEPS),
        ({"limit": 0}, 0, 1),
        ({"limit": 1}, 0, 1),
        ({"limit": 1001}, 0, STEPS),
        ({"limit": 2**63 - 1}, 0, STEPS),
        ({"offset": 70, "limit": 7}, 70, 7),
        ({"offset": 79}, 79, 1),
        ({"offset": 80}, 80, 0),
        ({"offset": 81, "limit": 0}, 80, 0),
        ({"offset": 2**63}, 80, 0),
        ({"offset": 2**64 - 1, "limit": 2**63 - 1}, 80, 0),
    ],
)
def test_steps_are_clamped_to_the_run_and_the_limit_is_told_after_clipping(client, asked, offset, limit):
    found = told(client, "/runs/0", **asked)
    assert found["pagination"] == {"offset": offset, "limit": limit, "total": STEPS}
    assert [step["step_index"] for step in found["steps"]] == list(range(offset, offset + limit))
    assert found["run"]["run_id"] == 0


@pytest.mark.parametrize(
    ("asked", "first", "count"),
    [
        ({}, 0, 100),
        ({"limit": 0}, 0, 1),
        ({"limit": 3, "offset": 2}, 2, 3),
        ({"limit": 2**63 - 1}, 0, 1000),
        ({"offset": 79}, 79, 100),
        ({"offset": 2**64 - 1}, 2**64 - 1, 100),
    ],
)
def test_disagreements_are_paged(client, differing, asked, first, count):
    found = told(client, "/runs/0/disagreements", **asked)
    assert found == {"disagreements": differing[0][first : first + count], "total": len(differing[0])}


def test_at_most_1000_steps_and_disagreements_are_told(client, differing, monkeypatch):
    """The caps as they are listed; runs of the fixture are shorter, so what they cut is seen with smaller ones."""
    assert {"steps_page": 1000, "disagreements_page": 1000}.items() <= told(client, "/health")["limits"].items()
    monkeypatch.setattr(router, "MOST_STEPS", 7)
    monkeypatch.setattr(router, "MOST_DISAGREEMENTS", 3)
    for limit in (7, 8, 2**63 - 1):
        found = told(client, "/runs/0", limit=limit, offset=2)
        assert found["pagination"] == {"offset": 2, "limit": 7, "total": STEPS}
        assert [step["step_index"] for step in found["steps"]] == list(range(2, 9))
        assert told(client, "/runs/0/disagreements", limit=limit)["disagreements"] == differing[0][:3]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/runs/4242", "run 4242 not found"),
        ("/runs/9", "run 9 not found"),
        ("/runs/4294967296", "run 4294967296 not found"),
        (f"/runs/{2**64 - 1}", f"run {2**64 - 1} not found"),
        ("/runs/4242/disagreements", "run 4242 not found"),
        ("/runs/4242?offset=5&limit=0&tokenize=true", "run 4242 not found"),
        ("/runs/0/nothing", "/runs/0/nothing not found: /docs lists what there is"),
    ],
)
def test_what_is_not_there_is_404_in_plain_text(client, path, words):
    found = client.get(path)
    assert (found.status_code, found.text) == (404, words)
    assert found.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/runs/x", "run_id: must be a valid integer, unable to parse string as an integer, got 'x'"),
        ("/runs/-1", "run_id: must be greater than or equal to 0, got '-1'"),
        (f"/runs/{2**64}", f"run_id: must be less than {2**64}, got '{2**64}'"),
        ("/runs/1.5", "run_id: must be a valid integer, unable to parse string as an integer, got '1.5'"),
        ("/runs/x/disagreements", "run_id: must be a valid integer, unable to parse string as an integer, got 'x'"),
        ("/runs/0/disagreements?limit=-1", "limit: must be greater than or equal to 0, got '-1'"),
        ("/runs?page=x", "page: must be a valid integer, unable to parse string as an integer, got 'x'"),
        ("/runs?page=-1", "page: must be greater than or equal to 0, got '-1'"),
        ("/runs?page_size=-1", "page_size: must be greater than or equal to 0, got '-1'"),
        (f"/runs?page={2**63}", f"page: must be less than {2**63}, got '{2**63}'"),
        ("/runs?min_score=nan", "min_score: must be a valid integer, unable to parse string as an integer, got 'nan'"),
        ("/runs?max_score=inf", "max_score: must be a valid integer, unable to parse string as an integer, got 'inf'"),
        (f"/runs?max_steps={2**64}", f"max_steps: must be less than {2**64}, got '{2**64}'"),
        ("/runs?min_highest_tile=-2", "min_highest_tile: must be greater than or equal to 0, got '-2'"),
        ("/runs/0?offset=-1", "offset: must be greater than or equal to 0, got '-1'"),
        (f"/runs/0?offset={2**64}", f"offset: must be less than {2**64}, got '{2**64}'"),
        ("/runs/0?limit=many", "limit: must be a valid integer, unable to parse string as an integer, got 'many'"),
        ("/runs/0?tokenize=maybe", "tokenize: must be a valid boolean, unable to interpret input, got 'maybe'"),
        ("/runs/0?student_mode=some", "student_mode: must be 'full' or 'topk', got 'some'"),
        ("/runs/0?student_topk=0", "student_topk: must be greater than or equal to 1, got '0'"),
    ],
)
def test_bad_types_are_400_in_plain_text(client, path, words):
    found = client.get(path)
    assert (found.status_code, found.text) == (400, words)
    assert found.headers["content-type"].startswith("text/plain")


def test_what_is_derived_of_a_board_follows_the_arrays(client):
    """board_value and the relative EVs of every row, in float32 arithmetic, halves away from zero."""
    rows = shards(PACK, "steps")
    rows = rows[rows["run_id"] == 8]
    steps = told(client, "/runs/8", limit=1000)["steps"]
    for row, step in zip(rows, steps, strict=True):
        legal = [bool(step["legal_mask"] >> move & 1) for move in range(4)]
        evs = [float(ev) if is_legal else None for ev, is_legal in zip(row["branch_evs"], legal, strict=True)]
        assert step["branch_evs"] == evs
        assert step["teacher_move"] == row["move_dir"]
        known = [np.float32(ev) for ev in evs if ev is not None]
        thousand = np.float32(1000)
        if step["valuation_type"] == "search":
            value = np.float32(step["board_value"])
            relative = [None if ev is None else away(np.float32(ev) * thousand - value) for ev in evs]
            best = max((each for each in relative if each is not None), default=0)
            advantage = [None if each is None else each - best for each in relative]
        else:
            relative = [None] * 4
            advantage = [None if ev is None else away((np.float32(ev) - max(known)) * thousand) for ev in evs]
        assert (step["relative_branch_evs"], step["advantage_branch"]) == (relative, advantage)


def away(number):
    return int(math.copysign(math.floor(abs(float(number)) + 0.5), number))
