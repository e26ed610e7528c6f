import json
import multiprocessing
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from annotators import annotate, annotate_part, answers_for, digests, facts
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.annotation import output, sessions
from railyard.board.annotation.definitions import judge
from railyard.board.annotation.pool import AnnotationPool
from railyard.board.game.endgame.tables import EndgameTables, build
from railyard.board.inference.client.interface import ServerLost
from railyard.board.packs.alignment import alignment_of
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.annotations import ANNOTATION, student_dtype
from railyard.board.packs.config import ImportLogs
from railyard.board.packs.pack import Pack
from railyard.board.teaching.teach import TeachPlan, teach
from railyard.core.errors import RailyardError, UserError
from railyard.core.store.shards import ShardSet


@pytest.fixture(scope="module")
def small(tiny_pack, tmp_path_factory):
    """The pool of most tests, 300 rows in shards of 120, and a session of it."""
    from railyard.board.packs.schema import STEP
    from railyard.core.store.shards import ShardWriter

    pool = tmp_path_factory.mktemp("pool") / "small"
    pool.mkdir()
    rows = Pack.open(tiny_pack).rows.gather(np.r_[0:150, 400:550])
    rows["run_id"] = np.repeat([0, 1], 150)
    with ShardWriter(pool, "steps", STEP, 120) as writer:
        writer.write(rows)
    for name in ("valuation_types.json", "metadata.db"):
        shutil.copy(tiny_pack / name, pool)
    with closing(sqlite3.connect(pool / "metadata.db")) as database, database:
        database.execute("DELETE FROM runs WHERE id > 1")
        database.execute("UPDATE runs SET steps = 150")
    return pool


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    return annotate(small, tmp_path_factory.mktemp("whole"), plots=True)[0]


def stats(folder):
    with closing(sqlite3.connect(folder / "metadata.db")) as database:
        cursor = database.execute("SELECT * FROM annotation_stats ORDER BY run_id")
        names = [about[0] for about in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def runs(folder):
    with closing(sqlite3.connect(folder / "metadata.db")) as database:
        return database.execute("SELECT * FROM runs ORDER BY id").fetchall()


def whole_column(session, name):
    family = session.columns[name]
    return family.gather(np.arange(len(family)))


def test_every_product_holds_what_the_model_said(small, tmp_path):
    names = ["annotations", "student_bins", "metrics", "predictions", "value_heads", "embeddings"]
    said = facts(heads=(("p_die", 1), ("wide", 9), ("three", 3)))
    folder, found = annotate(small, tmp_path, said, products=names, store_logits=True)
    assert (found["rows"], found["products"]) == (300, names)
    pool, session = AnnotationPool.open(small), AnnotationSession.open(folder)
    batch = pool.batch(0, 300)
    answers, every = answers_for(batch.exponents_B16, said), np.arange(300)
    rows, p1 = session.annotations.gather(every), answers.probabilities_B4N[:, :, -1]
    assert (rows["policy_p1"] == p1).all()
    assert (rows["policy_logp"] == np.log(p1)).all()
    assert (rows["argmax_head"] == answers.best_B).all()
    assert (rows["argmax_prob"] == answers.mass_B).all()
    assert (rows["teacher_move"] == batch.teacher_B).all()
    assert (rows["policy_hard"].argmax(axis=1) == batch.teacher_B).all()
    assert (rows["legal_mask"] == batch.stored_legal_B).all()
    assert set(rows["policy_kind_mask"].tolist()) == {7}
    assert (session.student_bins.gather(every) == answers.probabilities_B4N).all()
    predictions = session.predictions.gather(every)
    np.testing.assert_allclose(predictions["policy"], p1 / p1.sum(axis=1, keepdims=True), rtol=2e-3)
    assert (predictions["logits"] == answers.logits_B4N[:, :, -1]).all()
    values = np.concatenate([answers.values_BV[:, :1], answers.values_BV[:, 10:]], axis=1).astype("<f2")
    assert (session.values["value_heads"].gather(every) == values).all()
    assert (session.values["value_wide"].gather(every) == answers.values_BV[:, 1:10].astype("<f2")).all()
    assert (session.embeddings.gather(every) == answers.embeddings_BD).all()
    judged = judge(batch, answers.probabilities_B4N)
    assert (session.metrics.gather(every)["logit_gap"] == judged.gap_B).all()
    for name, wanted in (("entropy", judged.entropy_B), ("ev_loss", judged.ev_loss_B), ("played", batch.played_B)):
        np.testing.assert_array_equal(whole_column(session, name), wanted.astype(np.float32))
    np.testing.assert_allclose(
        whole_column(session, "value_p_die"), 1 / (1 + np.exp(-answers.values_BV[:, 0])), rtol=1e-6
    )
    assert [(head["name"], head["offset"], head["dim"]) for head in session.schema["value_heads"]] == [
        ("p_die", 0, 1),
        ("wide", 0, 9),
        ("three", 1, 3),
    ]


def test_manifest_source_and_aggregates(small, whole):
    session, pool = AnnotationSession.open(whole), AnnotationPool.open(small)
    manifest, source = session.manifest, session.source
    assert manifest["kinds"] == {"policy_p1": 1, "policy_logprobs": 2, "policy_hard": 4, "policy_student_bins": 8}
    assert manifest["runs"] == [{"run_id": run, "policy_kind_mask": 15} for run in (0, 1)]
    assert manifest["student_bins"] == {"dtype": "f32", "num_bins": 5}
    assert manifest["provenance"]["model_hash"] == facts().model_hash
    named = ["teacher_move", "policy_p1", "argmax_head", "student_bins", "branch_evs", "columns.logit_gap"]
    assert manifest["filter_inputs"][:6] == named
    batch = pool.batch(0, 300)
    assert manifest["alignment"]["checksum"] == alignment_of([(batch.runs_B, batch.steps_B)])
    assert session.damage() == []
    assert source["id"] == f"small~fake~{whole.name}"
    assert (source["pool_fingerprint"], source["rows"]) == (pool.fingerprint(), 300)
    assert (source["pool_type"], source["batch_size"]) == ("macroxue", 64)
    columns = {name: whole_column(session, name) for name in session.columns}
    rows = session.annotations.gather(np.arange(300))
    for found, part in zip(stats(whole), (slice(0, 150), slice(150, 300)), strict=True):
        assert found["total_steps"] == 150
        assert found["total_disagreements"] == np.nansum(columns["disagreement"][part])
        assert found["argmax_disagreements"] == (rows["teacher_move"] != rows["argmax_head"])[part].sum()
        assert found["ev_disagreements"] == np.nansum(columns["ev_disagreement"][part])
        for name in ("logit_gap", "entropy", "ev_loss", "played_loss"):
            numbers = columns[name][part].astype(np.float64)
            assert found[f"mean_{name}"] == pytest.approx(np.nanmean(numbers))
            assert found[f"p95_{name}"] == pytest.approx(np.nanpercentile(numbers, 95))
    for name, values in columns.items():
        known = values[~np.isnan(values)].astype(np.float64)
        np.testing.assert_allclose(session.quantiles[name], np.percentile(known, np.arange(1, 100)), rtol=1e-12)
    assert "Expected calibration error" in (whole / "report.md").read_text()
    assert (whole / "annotation.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("window", "keys"),
    [
        (4, {}),
        (64, {}),
        (1, {"batch_size": 16384}),
        (3, {"batch_size": 128}),
        (1, {"products": ["metrics", "annotations", "student_bins"]}),
    ],
)
def test_windows_and_batches_do_not_matter(small, whole, tmp_path, window, keys):
    folder, _ = annotate(small, tmp_path, window=window, **keys)
    assert digests(folder) == digests(whole) or "products" in keys
    assert {name: found for name, found in digests(folder).items() if name != "schema.json"} == {
        name: found for name, found in digests(whole).items() if name != "schema.json"
    }
    assert (stats(folder), runs(folder)) == (stats(whole), runs(whole))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_parts_in_any_order_make_the_same_session(small, whole, tmp_path, order):
    for index in order:
        folder, found = annotate(small, tmp_path, part=f"{index}/4")
        left = [each for each in range(4) if each not in order[: order.index(index) + 1]]
        assert found.get("missing_parts", []) == [f"{each}/4" for each in left]
    assert digests(folder) == digests(whole)
    assert (stats(folder), runs(folder)) == (stats(whole), runs(whole))
    assert [path.name for path in folder.glob(".part*")] == []
    again, found = annotate(small, tmp_path, part="2/4")
    assert (again, found["already_there"]) == (folder, True)


@pytest.mark.slow
def test_two_parts_that_end_at_once_complete_one_session(small, whole, tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, said = context.Barrier(2), context.Queue()
    both = [context.Process(target=annotate_part, args=(small, tmp_path, f"{i}/2", barrier, said)) for i in range(2)]
    for process in both:
        process.start()
    missing = [said.get(timeout=120) for _ in both]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert [] in missing
    (folder,) = tmp_path.glob("small/model=fake/*Z")
    assert digests(folder) == digests(whole)
    assert (stats(folder), runs(folder)) == (stats(whole), runs(whole))
    assert AnnotationSession.open(folder).damage() == []
    assert [path.name for path in folder.glob(".part*")] == []


def interrupt(at):
    def progress(done, total, before=0, note=""):
        if done >= at:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("at", [64, 120, 184, 300])
def test_an_interrupted_session_goes_on(small, whole, tmp_path, monkeypatch, at):
    monkeypatch.setattr(output, "COMMIT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        annotate(small, tmp_path, progress=interrupt(at))
    (folder,) = tmp_path.glob("small/model=fake/*Z")
    assert not (folder / "annotation_manifest.json").exists()
    boards = []
    assert annotate(small, tmp_path, after=boards.append)[0] == folder
    assert max(boards, default=0) == 300 - at
    assert digests(folder) == digests(whole)
    assert stats(folder) == stats(whole)


def test_a_shard_that_was_damaged_meanwhile_is_made_again(small, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "COMMIT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        annotate(small, tmp_path, progress=interrupt(184))
    (folder,) = tmp_path.glob("small/model=fake/*Z")
    os.truncate(folder / "metrics-00000.npy", 500)
    annotate(small, tmp_path)
    assert digests(folder) == digests(whole)


def test_clamped_rows_of_a_shard_that_is_made_again_count_once(small, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "COMMIT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        annotate(small, tmp_path, facts(tokens=2), progress=interrupt(184))
    (folder,) = tmp_path.glob("small/model=fake/*Z")
    os.truncate(folder / "metrics-00000.npy", 500)
    annotate(small, tmp_path, facts(tokens=2))
    highest = AnnotationPool.open(small).batch(0, 300).exponents_B16.max(axis=1)
    assert AnnotationSession.open(folder).manifest["clamped_rows"] == (highest > 1).sum()


def test_the_limit_ends_the_last_shard(small, whole, tmp_path):
    folder, found = annotate(small, tmp_path, limit=130)
    session = AnnotationSession.open(folder)
    assert (found["rows"], len(session), session.annotations.starts.tolist()) == (130, 130, [0, 120, 130])
    whole_rows = AnnotationSession.open(whole).annotations.gather(np.arange(130))
    assert (session.annotations.gather(np.arange(130)) == whole_rows).all()
    assert sum(row["total_steps"] for row in stats(folder)) == 130


def best_legal(evs_4, legal):
    return max(ev for ev, bit in zip(evs_4, (1, 2, 4, 8), strict=True) if legal & bit)


def slow_loss(evs_4, legal, move, teacher, is_search):
    """1000 times what the move gives away; None where the teacher's move reaches a goal and the move is another."""
    best = best_legal(evs_4, legal)
    if not is_search and evs_4[teacher] == 0 and best > 0:
        return 0.0 if move == teacher else None
    return 1000 * (best - evs_4[move])


def test_a_taught_pack_with_rows_of_tables(tmp_path):
    build(tmp_path / "tables", "tiny")
    plan = TeachPlan(games=3, depth=1, seed=11, max_moves=400)
    teach(tmp_path / "taught", plan, EndgameTables.open(tmp_path / "tables"))
    folder, found = annotate(tmp_path / "taught", tmp_path)
    pool, session = AnnotationPool.open(tmp_path / "taught"), AnnotationSession.open(folder)
    batch, rows = pool.batch(0, len(pool)), pool.rows.gather(np.arange(len(pool)))
    of_tables = ~batch.is_search_B
    assert found["rows"] == len(pool)
    assert 0 < of_tables.sum() < len(pool)
    chosen = session.metrics.gather(np.arange(len(pool)))["model_top_action"]
    losses = [
        slow_loss(evs.tolist(), legal, move, teacher, is_search)
        for evs, legal, move, teacher, is_search in zip(
            rows["branch_evs"], batch.legal_B, chosen, rows["move_dir"], batch.is_search_B, strict=True
        )
    ]
    wanted = np.array([np.nan if loss is None else loss for loss in losses], np.float32)
    np.testing.assert_allclose(whole_column(session, "ev_loss"), wanted, rtol=1e-4, atol=1e-2)
    assert "| table11 |" in (folder / "report.md").read_text()


def test_imported_rows_of_65536_and_a_model_of_16_tokens(logs, step, tmp_path):
    largest = step(board=[0] * 13 + [16, 1, 1])
    logs.game(rows=[largest, step(), largest], max_tile=65536)
    ImportLogs(source=logs.folder, out=tmp_path / "pack").run()
    asked = []
    folder, _ = annotate(tmp_path / "pack", tmp_path, facts(tokens=16), seen=lambda boards: asked.append(boards.max()))
    session = AnnotationSession.open(folder)
    assert max(asked) == 15
    assert session.manifest["clamped_rows"] == 2
    assert "clamped to its largest | 2 |" in (folder / "report.md").read_text()
    assert whole_column(session, "max_rank").tolist() == [16, 1, 16]


def test_shards_larger_than_wanted_are_split(small, tmp_path):
    folder, _ = annotate(small, tmp_path, shard_rows=50)
    assert AnnotationSession.open(folder).annotations.starts.tolist() == [0, 50, 100, 120, 170, 220, 240, 290, 300]


def test_overwrite_begins_anew_and_products_are_another_session(small, whole):
    again, found = annotate(small, whole.parents[2])
    assert (again, found["already_there"]) == (whole, True)
    new, _ = annotate(small, whole.parents[2], overwrite=True)
    other, _ = annotate(small, whole.parents[2], products=["metrics"])
    assert len({new, other, whole}) == 3
    assert whole.is_dir()


def test_an_action_policy_has_no_sidecar(small, tmp_path):
    folder, found = annotate(small, tmp_path, facts(bins=0))
    session = AnnotationSession.open(folder)
    assert found["products"] == ["annotations", "metrics"]
    assert session.student_bins is None
    assert {run["policy_kind_mask"] for run in session.manifest["runs"]} == {7}
    assert session.manifest["student_bins"]["num_bins"] == 0


def test_a_sidecar_of_halves(small, tmp_path):
    folder, _ = annotate(small, tmp_path, products=["annotations", {"name": "student_bins", "dtype": "f16"}])
    session = AnnotationSession.open(folder)
    assert session.student_bins.dtype == student_dtype(5, "f16")
    assert session.manifest["student_bins"]["dtype"] == "f16"
    probabilities = answers_for(AnnotationPool.open(small).batch(0, 300).exponents_B16, facts()).probabilities_B4N
    assert (session.student_bins.gather(np.arange(300)) == probabilities.astype("<f2")).all()


def test_64_bins_are_taken_and_65_refused(small, tmp_path):
    folder, _ = annotate(small, tmp_path, facts(bins=64), limit=10)
    assert AnnotationSession.open(folder).student_bins.dtype.shape == (4, 64)
    with pytest.raises(UserError, match="the model has 65 bins, a sidecar holds at most 64: leave student_bins out"):
        annotate(small, tmp_path, facts(bins=65), limit=10)


def test_a_model_of_fewer_tokens_is_asked_about_smaller_tiles(small, tmp_path):
    highest = AnnotationPool.open(small).batch(0, 300).exponents_B16.max(axis=1)
    tokens = int(highest.max())
    folder, _ = annotate(small, tmp_path, facts(tokens=tokens))
    clamped = int((highest >= tokens).sum())
    assert clamped > 0
    assert AnnotationSession.open(folder).manifest["clamped_rows"] == clamped
    assert f"clamped to its largest | {clamped} |" in (folder / "report.md").read_text()
    assert (whole_column(AnnotationSession.open(folder), "max_rank") == highest).all()


@settings(max_examples=8)
@given(st.lists(st.sampled_from([1, 8, 9]), min_size=1, max_size=4), st.data())
def test_value_heads_of_any_width(small, tmp_path_factory, dims, data):
    heads = [(f"head_{place}", dim) for place, dim in enumerate(dims)]
    kept = data.draw(st.lists(st.sampled_from(heads), unique=True, min_size=1))
    said = facts(heads=heads)
    keys = {"products": ["value_heads"], "value_heads": [name for name, _ in kept], "limit": 20}
    folder, _ = annotate(small, tmp_path_factory.mktemp("heads"), said, **keys)
    session = AnnotationSession.open(folder)
    values = answers_for(AnnotationPool.open(small).batch(0, 20).exponents_B16, said).values_BV.astype("<f2")
    starts = np.cumsum([0, *dims])
    for head in session.schema["value_heads"]:
        place = int(head["name"].removeprefix("head_"))
        family = session.values[head.get("file", "value_heads")].gather(np.arange(20))
        wanted = values[:, starts[place] : starts[place + 1]]
        assert (family[:, head["offset"] : head["offset"] + head["dim"]] == wanted).all()
    assert {head["name"] for head in session.schema["value_heads"]} == {name for name, _ in kept}


def test_the_fixture_is_reproduced(fixtures, tmp_path, monkeypatch):
    """650 rows over 03_pack, whose rows and bins were made up apart from one another, and whose teacher is left out."""
    folder = fixtures / "15_annotations_server"
    rows = ShardSet.open(folder, "annotations", ANNOTATION).gather(np.arange(650))
    bins = ShardSet.open(folder, "annotations-student", student_dtype(11)).gather(np.arange(650))
    for name, given_B4N in (("annotations", rows["policy_p1"][:, :, None]), ("student_bins", bins)):
        place = iter([0, 300, 600])

        def answer(boards, said, place=place, given_B4N=given_B4N):
            first = next(place)
            return answers_for(boards, said)._replace(probabilities_B4N=given_B4N[first : first + len(boards)])

        monkeypatch.setattr("annotators.answers_for", answer)
        keys = {"products": [name], "limit": 650, "batch_size": 640}
        made, _ = annotate(fixtures / "03_pack", tmp_path, facts(bins=11), **keys)
        if name == "student_bins":
            for number in range(3):
                ours, theirs = (np.load(at / f"annotations-student-{number:05d}.npy") for at in (made, folder))
                assert ours.tobytes() == theirs.tobytes()
            continue
        found = AnnotationSession.open(made).annotations.gather(np.arange(650))
        known = rows["teacher_move"] != 255  # but for one row the teacher's moves are those of the pack
        assert known.sum() == 649
        assert (found["teacher_move"] == rows["teacher_move"])[known].all()
        for column in set(ANNOTATION.names) - {"policy_hard", "policy_logp", "teacher_move"}:
            assert (found[column] == rows[column]).all(), column
        np.testing.assert_allclose(found["policy_logp"], rows["policy_logp"], rtol=1e-6)
        theirs = json.loads((folder / "annotation_manifest.json").read_text())
        ours = json.loads((made / "annotation_manifest.json").read_text())
        assert ours["kinds"] == theirs["kinds"]
        assert [run["run_id"] for run in ours["runs"]] == [run["run_id"] for run in theirs["runs"]]
        assert ours["student_bins"].keys() == theirs["student_bins"].keys()


def test_a_server_that_is_gone_for_good_keeps_the_session(small, whole, tmp_path):
    def lost(boards):
        if boards > 200:
            raise ServerLost("no answer after 11 tries, the last: gone")

    with pytest.raises(RailyardError, match=r"no answer after 11 tries, the last: gone; the same command goes on with"):
        annotate(small, tmp_path, after=lost)
    folder, _ = annotate(small, tmp_path)
    assert digests(folder) == digests(whole)


def test_a_full_disk_keeps_the_session(small, whole, tmp_path, monkeypatch):
    write_all = output._write_all

    def full(file, rows):
        if "metrics-00001" in file.name:
            raise OSError(28, "No space left on device")
        write_all(file, rows)

    monkeypatch.setattr(output, "_write_all", full)
    with pytest.raises(RailyardError, match="no space left on device while writing"):
        annotate(small, tmp_path)
    monkeypatch.setattr(output, "_write_all", write_all)
    folder, _ = annotate(small, tmp_path)
    assert digests(folder) == digests(whole)


def begun(small, tmp_path, **keys):
    with pytest.raises(KeyboardInterrupt):
        annotate(small, tmp_path, progress=interrupt(64), **keys)


def test_a_pool_that_changed_meanwhile_is_refused(small, tmp_path):
    pool = shutil.copytree(small, tmp_path / "small")
    begun(pool, tmp_path / "out")
    rows = np.load(pool / "steps-00000.npy")
    rows["seed"] += 1
    np.save(pool / "steps-00000.npy", rows)
    with pytest.raises(UserError, match=r"has changed since the session .* began: restore the pool, or delete"):
        annotate(pool, tmp_path / "out")


def test_a_session_of_another_pool_is_refused(small, fixtures, tmp_path):
    annotate(small, tmp_path / "out", limit=10)
    shutil.copytree(fixtures / "03_pack", tmp_path / "small")
    with pytest.raises(UserError, match=r"holds sessions of another pool of this name, .*: choose another out="):
        annotate(tmp_path / "small", tmp_path / "out")


def test_parts_of_different_n_are_refused(small, tmp_path):
    begun(small, tmp_path, part="0/2")
    with pytest.raises(UserError, match="was begun with part=i/2, this is a part of 3: go on with part=i/2, or delete"):
        annotate(small, tmp_path, part="0/3")


def test_unknown_value_heads_are_refused(small, tmp_path):
    said = facts(heads=(("p_die", 1),))
    with pytest.raises(UserError, match="the model has no value head 'p_dye'; did you mean 'p_die'"):
        annotate(small, tmp_path, said, value_heads=["p_dye"])
    with pytest.raises(UserError, match="the model has no value head 'p_die'; it has none"):
        annotate(small, tmp_path, value_heads=["p_die"])


def test_a_model_without_a_hash_needs_a_tag(small, tmp_path):
    said = facts()._replace(model_hash="")
    folder, _ = annotate(small, tmp_path, said, limit=10)
    assert AnnotationSession.open(folder).source["model_hash"] is None
    with pytest.raises(UserError, match="tag: this server does not say which model it holds: give tag=NAME"):
        annotate(small, tmp_path, said, limit=10, tag=None, init=None, address="x:1", bucket=None)


def test_a_live_database_is_copied_consistently(small, tmp_path):
    pool = shutil.copytree(small, tmp_path / "small")
    with closing(sqlite3.connect(pool / "metadata.db")) as live:
        live.execute("PRAGMA journal_mode = WAL")
        live.execute("UPDATE runs SET max_score = 777")
        live.commit()
        assert (pool / "metadata.db-wal").stat().st_size > 0
        folder, _ = annotate(pool, tmp_path / "out")
    assert {row[3] for row in runs(folder)} == {777}
    assert not (folder / "metadata.db-wal").exists()
    with closing(sqlite3.connect(folder / "metadata.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        sessions_of = database.execute("SELECT model_id, model_revision FROM annotation_sessions").fetchall()
    assert sessions_of == [("fake", facts().model_hash)]


def test_two_calls_at_once_are_told(small, tmp_path):
    def second(boards):
        with pytest.raises(UserError, match="is being written by another process"):
            locked_elsewhere(next(tmp_path.glob("small/model=fake/*Z")))

    annotate(small, tmp_path, after=second, limit=10)


def locked_elsewhere(folder):
    """As another process would find it."""
    import fcntl

    from railyard.core.store.lock import Busy

    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{folder} is being written by another process") from None


def test_a_new_session_of_the_same_second_has_the_next_one(small, whole, tmp_path):
    names = {annotate(small, tmp_path, limit=5, overwrite=True)[0].name for _ in range(3)}
    assert len(names) == 3


def test_names_of_folders():
    assert sessions.name_of(Path("data/my pool")) == "my_pool"
    assert sessions.name_of(Path()) == Path.cwd().name
