"""Every endpoint of sessions, also search, compare, export and views, on every kind of input: values against the arrays
on the disk; what is lacking is null. All in one file: its inputs are made once."""

import csv
import io
import json

import numpy as np
import pytest
from review_inputs import HEADS, KINDS, rows_of
from review_sessions import columns_of
from reviewed import TOKENIZER, reviewed

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import COLUMNS, AnnotationSession
from railyard.board.review.reference_models import Disagreements, Health, RunsPage, RunSteps
from railyard.board.review.session_facts import vocabulary
from railyard.board.review.session_models import SessionRuns, Sessions, SessionSteps

SELFPLAY = ("interleaved", "ours")
NO_TEACHER = ("ev_loss", "ev_disagreement", "played_loss")  # what self-play pools do not know
HUGE = ("9" * 400, "-" + "9" * 400, "9" * 4000, "1e400", "-1e400")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def asked(clients, kind):
    client, session = clients(kind)

    def ask(path, **params):
        found = client.get(path.replace("{s}", session), params=params)
        assert found.status_code == 200, found.text
        return found

    return ask


def first_run(asked):
    """The longest one."""
    return asked("/sessions/{s}/runs", sort="-steps").json()["runs"][0]


def test_every_answer_fits_its_model(asked, kind):
    run = first_run(asked)["run_id"]
    Sessions.model_validate(asked("/sessions").json())
    SessionRuns.model_validate(asked("/sessions/{s}/runs", where="steps>0", sort="-mean_entropy").json())
    SessionSteps.model_validate(asked(f"/sessions/{{s}}/runs/{run}/steps", limit=7, tokenize=True).json())
    Health.model_validate(asked("/health").json())
    RunsPage.model_validate(asked("/runs", sort="tile_asc").json())
    RunSteps.model_validate(asked(f"/runs/{run}", limit=5, tokenize=True, student_mode="topk").json())
    Disagreements.model_validate(asked(f"/runs/{run}/disagreements").json())
    assert isinstance(asked("/sessions/{s}/schema").json(), dict)


def test_what_is_lacking_is_null_and_never_0(asked, kind):
    run = first_run(asked)
    steps = asked(f"/sessions/{{s}}/runs/{run['run_id']}/steps", limit=50).json()["steps"]
    old = asked(f"/runs/{run['run_id']}", limit=50).json()
    if kind in SELFPLAY:
        assert {run[name] for name in ("ev_disagreement_rate", "argmax_disagreement_rate", "mean_ev_loss")} == {None}
        assert run["disagreement_rate"] is not None  # the move played is known
        assert old["run"]["disagreement_count"] is None
        for step in steps:
            assert step["teacher"] == {"action": None, "best": None, "evs": [None] * 4, "valuation": "unknown"}
            assert step["metrics"]["ev_loss"] is None
        assert {step["teacher_move"] for step in old["steps"]} == {255}
        assert {step["valuation_type"] for step in old["steps"]} == {"unknown"}
        assert all(step["branch_evs"] == step["advantage_branch"] == [None] * 4 for step in old["steps"])
        assert any(step["legal_mask"] for step in old["steps"])
    else:
        assert old["run"]["disagreement_count"] == sum(
            step["is_disagreement"] for step in asked(f"/runs/{run['run_id']}", limit=1000).json()["steps"]
        )
        assert any(step["teacher"]["evs"] != [None] * 4 for step in steps)
    has_bins = kind not in ("action_policy", "no_sidecar")
    assert any("student_bins" in step for step in steps) == has_bins
    assert ("student_bins" in old) == has_bins
    if kind == "no_sidecar":
        assert asked("/sessions").json()["sessions"][0]["num_bins"] is None


def test_steps_are_those_of_the_disk(asked, inputs, kind):
    run = first_run(asked)["run_id"]
    pool = AnnotationPool.open(inputs[kind].pool)
    rows = rows_of(inputs[kind].pool, run)
    batch = {int(row): pool.batch(int(row), 1) for row in rows[3:9]}
    found = asked(f"/sessions/{{s}}/runs/{run}/steps", offset=3, limit=6).json()
    assert found["pagination"] == {"offset": 3, "limit": 6, "total": len(rows)}
    assert [step["row"] for step in found["steps"]] == rows[3:9].tolist()
    for step, row in zip(found["steps"], rows[3:9].tolist(), strict=True):
        known = batch[row]
        assert step["board"] == known.exponents_B16[0].tolist()
        assert step["step_index"] == known.steps_B[0]
        assert step["legal"] == [bool(known.legal_B[0] >> move & 1) for move in range(4)]
        assert step["played"] == (None if known.played_B[0] > 3 else known.played_B[0])


def test_policy_and_bins_are_those_of_the_files(asked, inputs, kind):
    run = first_run(asked)["run_id"]
    session = AnnotationSession.open(inputs[kind].folder)
    rows = rows_of(inputs[kind].pool, run)[:20]
    steps = asked(f"/sessions/{{s}}/runs/{run}/steps", limit=20).json()["steps"]
    annotations = session.annotations.gather(rows)
    assert [step["policy"] for step in steps] == annotations["policy_p1"].tolist()
    if session.manifest["student_bins"]["num_bins"] and kind != "no_sidecar":
        bins = session.student_bins.gather(rows)
        assert [step["student_bins"]["heads"] for step in steps] == bins.tolist()
        top = asked(f"/sessions/{{s}}/runs/{run}/steps", limit=1, student_mode="topk", student_topk=2).json()["steps"][
            0
        ]
        pairs = top["student_bins"]["topk"]
        assert [[pair["p"] for pair in head] for head in pairs] == np.sort(bins[0], axis=1)[:, ::-1][:, :2].tolist()
        assert pairs[0][0]["bin"] == bins[0][0].argmax()


def test_columns_that_were_made_are_those_of_railyard_annotate(clients, inputs):
    """The session without columns is of the same model and pool as the one with all of them."""
    (client, session), (made, other) = clients("own"), clients("no_columns")
    run = client.get(f"/sessions/{session}/runs").json()["runs"][0]["run_id"]
    names = ",".join(COLUMNS)
    series = [
        np.frombuffer(one.get(f"/sessions/{name}/runs/{run}/series", params={"metrics": names}).content, "<f4")
        for one, name in ((client, session), (made, other))
    ]
    np.testing.assert_array_equal(*series)
    figures = [
        one.get(f"/sessions/{name}/runs", params={"sort": "run_id"}).json()["runs"]
        for one, name in ((client, session), (made, other))
    ]
    for own, computed in zip(*figures, strict=True):
        for name in ("judgements", "model_judgements"):
            assert own.pop(name) == computed.pop(name)
        assert own == pytest.approx(computed)
    assert (inputs["no_columns"].folder / "review" / "columns" / "quantiles.json").is_file()


def test_series_are_the_columns_of_the_run(asked, inputs, kind):
    run = first_run(asked)["run_id"]
    rows = rows_of(inputs[kind].pool, run)
    found = np.frombuffer(asked(f"/sessions/{{s}}/runs/{run}/series", metrics="max_rank,logit_gap").content, "<f4")
    found = found.reshape(2, len(rows))
    pool = AnnotationPool.open(inputs[kind].pool)
    boards = np.concatenate([pool.batch(int(row), 1).exponents_B16 for row in rows[:40]])
    np.testing.assert_array_equal(found[0, :40], boards.max(axis=1))
    steps = asked(f"/sessions/{{s}}/runs/{run}/steps", limit=40, metrics="logit_gap").json()["steps"]
    told = np.array([np.nan if (gap := step["metrics"]["logit_gap"]) is None else gap for step in steps], "f4")
    expected = np.where(np.isfinite(found[1, :40]), found[1, :40], np.nan)
    np.testing.assert_array_equal(told, expected)


def test_series_tell_step_numbers_and_how_good_moves_are(asked, kind):
    run = first_run(asked)
    names = "step_index,accuracy,model_accuracy"
    found = np.frombuffer(asked(f"/sessions/{{s}}/runs/{run['run_id']}/series", metrics=names).content, "<f4")
    steps, *accuracies = found.reshape(3, run["steps"])
    told = asked(f"/sessions/{{s}}/runs/{run['run_id']}/steps", limit=1000).json()["steps"]
    assert steps[:1000].tolist() == [step["step_index"] for step in told]
    for name, accuracy in zip(("accuracy", "model_accuracy"), accuracies, strict=True):
        known = accuracy[~np.isnan(accuracy)]
        assert (known.mean() if len(known) else None) == pytest.approx(run[name])


def test_a_session_names_its_columns_and_the_classes_of_its_tokenizer(clients):
    (client, _), (own, _) = clients("foreign"), clients("own")
    (session,) = client.get("/sessions").json()["sessions"]
    assert "entropy" in session["columns"]
    names = session["vocab_order"]
    assert (names[0], names[-1], len(names)) == ("ILLEGAL", "WINNER", 11)
    assert "value_p_die" in own.get("/sessions").json()["sessions"][0]["columns"]


def test_a_tokenizer_that_cannot_be_read_is_told_once(tmp_path, caplog):
    file = tmp_path / "tokenizer.json"
    assert vocabulary(file) is None
    file.write_text("{")
    assert [vocabulary(file), vocabulary(file)] == [None, None]
    assert [str(file) in record.getMessage() for record in caplog.records] == [True]


def test_value_heads_are_probabilities(clients, inputs):
    client, session = clients("own")
    run = client.get(f"/sessions/{session}/runs").json()["runs"][0]["run_id"]
    step = client.get(f"/sessions/{session}/runs/{run}/steps", params={"limit": 1}).json()["steps"][0]
    assert {name: len(values) for name, values in step["values"].items()} == dict(HEADS)
    logits = AnnotationSession.open(inputs["own"].folder).values["value_heads"].gather(np.array([step["row"]]))[0]
    assert step["values"]["p_die"] == pytest.approx([1 / (1 + np.exp(-np.float32(logits[0])))])


@pytest.mark.parametrize("path", ["/runs/{run}", "/sessions/{s}/runs/{run}/steps"])
def test_a_run_as_lines(clients, path):
    client, session = clients("own")
    run = client.get(f"/sessions/{session}/runs").json()["runs"][0]["run_id"]
    path = path.format(s=session, run=run)
    pages = client.get(path, params={"limit": 1000, "offset": 2}).json()
    accept = {"accept": "application/x-ndjson"}
    found = client.get(path, params={"offset": 2}, headers=accept)
    assert found.headers["content-type"] == "application/x-ndjson"
    head, *steps, last = [json.loads(line) for line in found.text.splitlines()]
    assert "steps" not in head
    assert head["run"] == pages["run"]
    assert steps == pages["steps"]
    assert last == {"next": None}
    *_, last = [json.loads(line) for line in client.get(path, params={"limit": 3}, headers=accept).text.splitlines()]
    assert last == {"next": 3}


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/sessions/none/runs", 404, "session none not found"),
        ("/sessions/{s}/runs/987654/steps", 404, "run 987654 not found"),
        ("/sessions/{s}/runs/-1/steps", 400, "run_id: must be greater than or equal to 0, got"),
        ("/sessions/{s}/runs/x/steps", 400, "run_id: must be a valid integer"),
        ("/sessions/{s}/runs?where=scroe>1", 400, "runs have no 'scroe'"),
        ("/sessions/{s}/runs?where=max_scor>1", 400, "did you mean 'max_score'?"),
        ("/sessions/{s}/runs?sort=-max_scor", 400, "did you mean 'max_score'?"),
        ("/sessions/{s}/runs?page=0", 400, "page: must be greater than or equal to 1"),
        ("/sessions/{s}/runs/1/series", 400, "metrics is required here"),
        ("/sessions/{s}/runs/1/series?metrics=entropi", 400, "did you mean 'entropy'?"),
    ],
)
def test_what_is_wrong_is_one_sentence(clients, path, status, words):
    client, session = clients("own")
    found = client.get(path.replace("{s}", session))
    problem = found.json()
    assert (found.status_code, problem["status"]) == (status, status)
    assert found.headers["content-type"] == "application/problem+json"
    assert words in problem["detail"]


def test_runs_are_filtered_and_sorted_by_any_figure(clients):
    client, session = clients("own")

    def runs(**params):
        return client.get(f"/sessions/{session}/runs", params=params).json()

    everything = runs()["runs"]
    for name in everything[0].keys() - {"seed_text", "policy_kind_mask", "judgements", "model_judgements"}:
        for sort, turn in ((name, 1), (f"-{name}", -1)):
            known = [run[name] for run in runs(sort=sort)["runs"] if run[name] is not None]
            assert known == sorted(known)[::turn]
    low = min(run["max_score"] for run in everything)
    found = runs(where=f"max_score>{low}")
    assert found["total"] == sum(run["max_score"] > low for run in everything)
    assert runs(page=99)["runs"] == []


def test_tokens_need_a_tokenizer_and_its_lack_is_logged_once(inputs, caplog):
    """Once a session, whichever endpoints are asked and however often."""
    with reviewed(inputs["own"].find) as client:
        session = client.get("/sessions").json()["sessions"][0]["id"]
        run = client.get(f"/sessions/{session}/runs").json()["runs"][0]["run_id"]
        paths = [f"/sessions/{session}/runs/{run}/steps", f"/runs/{run}"]
        for path in paths:
            client.get(path, params={"tokenize": False})
        assert not lacking(caplog)
        for path in 2 * paths:
            steps = client.get(path, params={"tokenize": True}).json()["steps"]
            assert steps
            assert not any("tokens" in step for step in steps)
            assert lacking(caplog) == [f"{session} has no tokenizer: steps have no tokens"]
    caplog.clear()
    place = next(inputs["own"].find())._replace(tokenizer=TOKENIZER)
    with reviewed(lambda: iter([place])) as with_one:
        steps = with_one.get(f"/sessions/{session}/runs/{run}/steps", params={"tokenize": True}).json()["steps"]
    assert all(len(step["tokens"]) == 4 for step in steps)
    assert not lacking(caplog)


def lacking(caplog):
    """The lines of the log that say that a tokenizer is lacking."""
    return [record.getMessage() for record in caplog.records if "tokenizer" in record.getMessage()]


ALIKE = ("NaN", "-inf", "Infinity", "-1e999", *HUGE[2:])  # as others beside them are read


@pytest.mark.parametrize(
    "number",
    ["nan", "inf", "1e999", *HUGE[:2], *(pytest.param(number, marks=pytest.mark.slow) for number in ALIKE)],
)
def test_no_number_of_a_condition_breaks_a_list_of_runs(clients, number):
    """Words for NaN and infinity are no numbers of the grammar; numbers beyond every float are compared as they are."""
    client, session = clients("own")
    total = client.get(f"/sessions/{session}/runs").json()["total"]
    for name in ("max_score", "steps", "seed", "run_id", "mean_entropy", "mean_ev_loss", "disagreement_rate"):
        for operator in ("<", "<=", "=", "!=", ">=", ">"):
            found = client.get(f"/sessions/{session}/runs", params={"where": f"{name}{operator}{number}"})
            if number.lower().lstrip("-") in ("nan", "inf", "infinity"):
                assert found.status_code == 400, found.text
                assert name in found.json()["detail"]
                continue
            assert found.status_code == 200, found.text
            is_met = operator == "!=" or (("<" in operator) == (not number.startswith("-")) and operator != "=")
            assert found.json()["total"] == (total if is_met else 0), (name, operator)


@pytest.mark.parametrize("offset", [2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_huge_offsets_are_cut_to_the_end_of_the_run(asked, offset):
    run = first_run(asked)
    path = f"/sessions/{{s}}/runs/{run['run_id']}/steps"
    for limit in (0, 1, 2**63 - 1):
        found = asked(path, offset=offset, limit=limit).json()
        assert found["pagination"] == {"offset": run["steps"], "limit": 0, "total": run["steps"]}
        assert found["steps"] == []


@pytest.mark.parametrize("path", ["/runs/{run}", "/sessions/{s}/runs/{run}/steps"])
def test_huge_offsets_of_lines(clients, path):
    client, session = clients("own")
    run = client.get(f"/sessions/{session}/runs").json()["runs"][0]["run_id"]
    for offset in (2**53 + 1, 2**63, 2**64 - 1):
        found = client.get(
            path.format(s=session, run=run),
            params={"offset": offset, "limit": 2**63 - 1},
            headers={"accept": "application/x-ndjson"},
        )
        assert found.status_code == 200
        assert found.text.splitlines()[1:] == ['{"next":null}']


@pytest.mark.parametrize(
    ("path", "name", "number"),
    [
        ("/runs/1/steps", "offset", 2**64),
        ("/runs/1/steps", "offset", -1),
        ("/runs/1/steps", "offset", "1e3"),
        ("/runs/1/steps", "offset", "nan"),
        ("/runs/1/steps", "offset", 10**400),
        ("/runs/1/steps", "limit", 2**63),
        ("/runs/1/steps", "limit", "inf"),
        ("/runs", "page", 2**63),
        ("/runs", "page", 10**400),
        ("/runs", "page_size", "nan"),
    ],
)
def test_what_is_no_offset_is_a_400(clients, path, name, number):
    client, session = clients("own")
    found = client.get(f"/sessions/{session}{path}", params={name: number})
    assert found.status_code == 400
    assert found.json()["detail"].startswith(f"{name}: must be ")


def test_pages_past_the_end_of_the_runs_are_empty(asked):
    total = asked("/sessions/{s}/runs").json()["total"]
    for page in (2**31, 2**63 - 1):
        found = asked("/sessions/{s}/runs", page=page, page_size=2**63 - 1).json()
        assert found == {"total": total, "page": page, "page_size": 500, "runs": []}


@pytest.fixture
def columns(clients, kind):
    """Of that kind every column and the facts of its rows' runs, whole."""
    client, session = clients(kind)
    return columns_of(client.reviewer.catalogue.open(session))


def rows_found(asked, **params):
    """The rows of all pages, and the total."""
    rows, cursor = [], {}
    while cursor is not None:
        found = asked("/sessions/{s}/steps/search", limit=500, **params, **cursor).json()
        rows += [hit["row"] for hit in found["hits"]]
        cursor = {"cursor": found["next"]} if found["next"] else None
    assert found["total"] == len(rows)
    return rows


def test_search_of_every_kind_finds_what_numpy_finds(asked, columns):
    steps, entropy, gap = (columns[name] for name in ("step_index", "entropy", "logit_gap"))
    for where, wanted in [
        (None, steps >= 0),
        ("disagreement=1", columns["disagreement"] == 1),
        ("disagreement!=1, step_index<9", (columns["disagreement"] != 1) & (steps < 9)),
        ("entropy>1.2, logit_gap<=0.5", (entropy > np.float32(1.2)) & (gap <= np.float32(0.5))),
        (
            f"run_id={columns['run_id'][-1]}, max_rank>=3",
            (columns["run_id"] == columns["run_id"][-1]) & (columns["max_rank"] >= 3),
        ),
        ("steps>20, score>=1", (columns["steps"] > 20) & (columns["score"] >= 1)),
    ]:
        params = {} if where is None else {"where": where}
        assert rows_found(asked, **params) == np.flatnonzero(wanted).tolist(), where
    low = float(np.nanmedian(entropy))
    assert rows_found(asked, metric="entropy", min=low) == np.flatnonzero(entropy >= np.float32(low)).tolist()


def test_hits_of_every_kind_name_run_and_step(asked, columns):
    for hit in asked("/sessions/{s}/steps/search", sort="-entropy", limit=40).json()["hits"]:
        row = hit["row"]
        assert hit == {"row": row, "run_id": columns["run_id"][row], "step_index": columns["step_index"][row]}


def test_what_is_unknown_meets_no_comparison_and_comes_last(asked, columns, kind):
    for name in (*NO_TEACHER, "disagreement", "entropy", "logit_gap"):
        values = columns[name].astype(np.float64)
        unknown = np.isnan(values)
        if kind in SELFPLAY and name in NO_TEACHER:
            assert unknown.all()
        if kind == "foreign" and name == "disagreement":
            assert 0 < unknown.sum() < 60  # rows that the other annotator left out
        assert rows_found(asked, where=f"{name}=null") == np.flatnonzero(unknown).tolist()
        assert rows_found(asked, metric=name) == np.flatnonzero(~unknown).tolist()
        for bound in ("<=0", "=0", ">=0", "<1e9"):
            found = asked("/sessions/{s}/steps/search", where=f"{name}{bound}, {name}=null").json()
            assert found == {"hits": [], "total": 0, "next": None}
        for sort, sign in ((name, -1), (f"{name}_asc", 1)):
            order = np.lexsort((columns["row"], np.where(unknown, 0, sign * values), unknown))
            assert rows_found(asked, sort=sort) == order.tolist()


def test_a_teachers_valuation_is_no_column_of_self_play(clients, kind):
    client, session = clients(kind)
    found = client.get(f"/sessions/{session}/steps/search", params={"where": "valuation!=none"})
    if kind in SELFPLAY:
        assert found.status_code == 400
        assert found.json()["detail"].startswith("there is no column 'valuation'")
        assert client.get(f"/sessions/{session}/export", params={"columns": "valuation"}).status_code == 400
    else:
        assert found.json()["total"] > 0


def test_files_of_every_kind_hold_all_columns_and_unknown_is_never_0(asked, columns, kind):
    read = {format: asked("/sessions/{s}/export", format=format) for format in ("csv", "jsonl", "npz")}
    assert {found.headers["x-railyard-rows"] for found in read.values()} == {str(len(columns["row"]))}
    lines = list(csv.DictReader(io.StringIO(read["csv"].text)))
    objects = [json.loads(line) for line in read["jsonl"].text.splitlines()]
    arrays = np.load(io.BytesIO(read["npz"].content), allow_pickle=False)
    names = [name for name in columns if name not in ("steps", "score", "highest_tile")]
    assert set(names) == set(lines[0]) == set(objects[0]) == set(arrays) - {"total", "cut"}
    assert ("valuation" in names) == (kind not in SELFPLAY)
    for name in names:
        wanted = columns[name]
        np.testing.assert_array_equal(arrays[name], wanted)
        if wanted.dtype.kind != "f":
            assert [line[name] for line in lines] == [str(value) for value in wanted.tolist()]
            assert [object[name] for object in objects] == wanted.tolist()
            continue
        unknown = np.isnan(wanted)
        assert [line[name] == "" for line in lines] == unknown.tolist()
        known = np.array([line[name] or "nan" for line in lines], "f4")
        np.testing.assert_array_equal(known, wanted)
        assert [object[name] is None for object in objects] == (~np.isfinite(wanted)).tolist()
    if kind in SELFPLAY:
        assert {line[name] for line in lines for name in NO_TEACHER} == {""}
        assert {object[name] for object in objects for name in NO_TEACHER} == {None}


def test_facts_of_runs_are_exported_for_every_kind(asked, columns):
    names = "row,run_id,steps,score,highest_tile,seed"
    found = asked("/sessions/{s}/export", format="npz", columns=names, where="step_index<3")
    arrays = np.load(io.BytesIO(found.content), allow_pickle=False)
    rows = np.flatnonzero(columns["step_index"] < 3)
    for name in ("row", "run_id", "steps", "score", "highest_tile"):
        assert arrays[name].tolist() == columns[name][rows].tolist()


@pytest.fixture(scope="module")
def together(inputs):
    """All kinds in one server, and their sessions by kind."""
    ids = {}

    def find():
        for kind, given in inputs.items():
            for place in given.find():
                ids[kind] = place.id
                yield place

    with reviewed(find) as client:
        client.get("/sessions")
        yield client, ids


def test_a_session_is_compared_with_itself(together, kind):
    client, ids = together
    wrong = columns_of(client.reviewer.catalogue.open(ids[kind]))["disagreement"]
    found = client.get(f"/sessions/{ids[kind]}/compare/{ids[kind]}").json()
    assert found["rows"] == len(wrong)
    counts = [int((wrong == value).sum()) for value in (0, 1)]
    unknown = int(np.isnan(wrong).sum())
    assert found["groups"] == {"fixed": 0, "broken": 0, "right": counts[0], "wrong": counts[1], "unknown": unknown}
    assert found["provenance"] == {}
    assert found["divergence"]["mean"] == pytest.approx(0, abs=1e-6)
    annotated = client.reviewer.catalogue.open(ids[kind]).annotated.annotations
    assert found["divergence"]["rows"] == len(annotated) == (650 if kind == "foreign" else len(wrong))


@pytest.mark.parametrize("other", ["action_policy", "no_sidecar", "no_columns"])
def test_kinds_over_one_pool_are_compared(together, other):
    client, ids = together
    one, two = (columns_of(client.reviewer.catalogue.open(ids[kind]))["disagreement"] for kind in ("own", other))
    path = f"/sessions/{ids['own']}/compare/{ids[other]}"
    found = client.get(path).json()
    groups = {"fixed": (1, 0), "broken": (0, 1), "right": (0, 0), "wrong": (1, 1)}
    for group, (first, second) in groups.items():
        wanted = np.flatnonzero((one == first) & (two == second))
        assert found["groups"][group] == len(wanted)
        hits = client.get(f"{path}/steps", params={"group": group, "limit": 1000}).json()
        assert hits["total"] == len(wanted)
        assert [hit["row"] for hit in hits["hits"]] == wanted[:1000].tolist()
    assert found["groups"]["unknown"] == (np.isnan(one) | np.isnan(two)).sum()
    assert found["divergence"]["of"] == "policies"  # these have no bins of one tokenizer
    assert (found["divergence"]["mean"] > 1e-3) == (other == "action_policy")
    assert "products" in found["provenance"] or other == "action_policy"


def test_kinds_of_different_pools_are_not_compared(together, kind):
    client, ids = together
    over_one = {"own", "action_policy", "no_sidecar", "no_columns"}
    for other in KINDS:
        found = client.get(f"/sessions/{ids[kind]}/compare/{ids[other]}")
        if kind == other or {kind, other} <= over_one:
            assert found.status_code == 200, (other, found.text)
        else:
            assert found.status_code == 400, other
            assert "are of different pools" in found.json()["detail"]


VIEWED = ("own", "foreign", "interleaved")  # the other kinds keep views as these do
viewed = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in VIEWED else pytest.mark.slow) for kind in KINDS]
)


@viewed
def test_views_of_every_kind_find_what_their_searches_find(inputs, clients, kind, tmp_path):
    known, session = clients(kind)
    wheres = ["disagreement=1", "ev_loss=null", "ev_loss>=0", "entropy>1.2, max_rank>=4"]
    asked = {f"view {place}": {"where": where, "sort": "-entropy"} for place, where in enumerate(wheres)}
    with reviewed(inputs[kind].find, root=tmp_path) as client:
        for name, query in asked.items():
            assert client.put(f"/views/{name}", json={**query, "session": session}).status_code == 200
    with reviewed(inputs[kind].find, root=tmp_path) as client:
        views = {view["name"]: view for view in client.get("/views").json()["views"]}
        assert views.keys() == asked.keys()
        for name, query in asked.items():
            view = views[name]
            assert view == {**query, "session": session, "note": "", "name": name}
            params = {key: view[key] for key in ("where", "sort")}
            wanted = known.get(f"/sessions/{session}/steps/search", params=query).json()
            assert client.get(f"/sessions/{view['session']}/steps/search", params=params).json() == wanted
            where = query["where"]
            if kind in SELFPLAY and where.startswith("ev_loss"):
                # nobody knows it in self-play: it is null, and no number
                rows = known.get(f"/sessions/{session}/steps/search").json()["total"]
                assert wanted["total"] == (rows if where.endswith("null") else 0)


@viewed
def test_servers_of_one_session_keep_no_views(inputs, kind):
    given = inputs[kind]
    knobs = {"pool": given.pool, "annotations": given.folder} if kind == "foreign" else {"session": given.folder}
    with reviewed(given.find, **knobs) as client:
        assert client.get("/views").json() == {"views": [], "may_write": False}
        assert client.get("/views/one").status_code == 404
        assert client.put("/views/one", json={}).status_code == 403
        assert client.delete("/views/one").status_code == 403
