"""Every endpoint of sessions on every kind of input: values against the arrays on the disk; what is lacking is null."""

import numpy as np
import pytest
from review_inputs import HEADS, KINDS, rows_of
from reviewed import TOKENIZER, reviewed

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import COLUMNS, AnnotationSession
from railyard.board.review.reference_models import Disagreements, Health, RunsPage, RunSteps
from railyard.board.review.session_models import SessionRuns, Sessions, SessionSteps

SELFPLAY = ("interleaved", "ours")


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
    import json

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


def test_tokens_need_a_tokenizer_and_its_lack_is_logged_once(inputs, clients, caplog):
    client, session = clients("own")
    run = client.get(f"/sessions/{session}/runs").json()["runs"][0]["run_id"]
    for _ in range(2):
        steps = client.get(f"/sessions/{session}/runs/{run}/steps", params={"tokenize": True}).json()["steps"]
        assert not any("tokens" in step for step in steps)
    told = [record for record in caplog.records if "has no tokenizer" in record.getMessage()]
    assert len(told) <= 1
    place = next(inputs["own"].find())._replace(tokenizer=TOKENIZER)
    with reviewed(lambda: iter([place])) as with_one:
        steps = with_one.get(f"/sessions/{session}/runs/{run}/steps", params={"tokenize": True}).json()["steps"]
    assert all(len(step["tokens"]) == 4 for step in steps)
