import errno
import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import railyard
from railyard.board.logs.game_meta import BadGame
from railyard.board.packs import importing
from railyard.board.packs.importing import import_logs
from railyard.board.packs.pack import Pack
from railyard.core.errors import RailyardError, UserError
from railyard.core.making import streams
from railyard.core.store import durable


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def rows_of(pack):
    return pack.rows.gather(np.arange(len(pack)))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "packs" / "out"


@pytest.fixture
def reference_logs(fixtures):
    """Games a, b, orphan (without rows) and sub/c, which chooses an illegal move."""
    return fixtures / "17_raw" / "left"


def test_as_logged_reproduces_the_reference_pack(reference_logs, fixtures, out):
    report = import_logs(reference_logs, out, legality="as_logged")
    ours, theirs = Pack.open(out), Pack.open(fixtures / "17_pack_left")
    assert rows_of(ours).tobytes() == rows_of(theirs).tobytes()
    for column in ("id", "seed", "steps", "max_score", "highest_tile"):
        assert getattr(ours.runs, column).tolist() == getattr(theirs.runs, column).tolist()
    assert ours.valuation_names == theirs.valuation_names == ("search", "tuple11", "tuple10", "zeta_plan")
    counts = report.counts
    assert (counts.games, counts.rows, counts.num_moves_mismatches) == (3, 4, 1)
    assert counts.without_steps == ["orphan.meta.json"]
    assert counts.unknown_branches == {"diagonal": 1}
    assert counts.illegal_moves == 1


def test_by_default_an_illegal_move_ends_the_import_and_leaves_nothing(reference_logs, out):
    with pytest.raises(BadGame, match=r"sub/c\.jsonl\.gz, line 1: the chosen move up does not change the board"):
        import_logs(reference_logs, out)
    assert names(out.parent) == []


def test_skipping_leaves_bad_games_out_and_reports_them(reference_logs, out, caplog):
    report = import_logs(reference_logs, out, on_error="skip")
    pack = Pack.open(out)
    assert pack.runs.seed.tolist() == [272350805, 4294967301]
    assert pack.valuation_names == ("search", "tuple11", "tuple10")
    [skipped] = report.counts.skipped
    assert (skipped["file"], skipped["line"]) == ("sub/c.jsonl.gz", 1)
    assert skipped["reason"].startswith("the chosen move up does not change the board")
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 3
    assert "orphan.meta.json has no .jsonl.gz beside it" in warnings[0]
    assert "branch 'diagonal' is no direction" in warnings[1]
    assert "skipped: " in warnings[2]


def test_run_ids_stay_contiguous_where_a_game_is_skipped(logs, step, out):
    for stem, seed in (("a", 1), ("b", 2), ("c", 3)):
        logs.game(stem, [step()] * seed, seed=seed)
    logs.steps("b", [b"{"])
    import_logs(logs.folder, out, on_error="skip")
    pack = Pack.open(out)
    assert pack.runs.id.tolist() == [0, 1]
    assert pack.runs.seed.tolist() == [1, 3]
    assert rows_of(pack)["run_id"].tolist() == [0, 1, 1, 1]


def test_every_sample_game_imports_without_a_difference(samples, out):
    counts = import_logs(samples, out).counts
    assert (counts.games, counts.rows) == (6, 47053)
    assert counts.num_moves_mismatches == counts.legality_differences == counts.legal_without_ev == 0
    assert counts.illegal_moves == counts.moves_without_ev == counts.saturated_tiles == 0
    assert (counts.skipped, counts.without_steps, counts.unknown_branches) == ([], [], {})
    pack = Pack.open(out)
    metas = [json.loads(path.read_text()) for path in sorted(samples.glob("*.meta.json"))]
    assert pack.runs.seed.tolist() == [meta["seed"] for meta in metas]
    assert pack.runs.steps.tolist() == [meta["num_moves"] for meta in metas]
    assert pack.runs.max_score.tolist() == [meta["score"] for meta in metas]
    assert pack.runs.highest_tile.tolist() == [meta["max_tile"] for meta in metas]


def test_equal_logs_give_equal_bytes_wherever_they_lie(reference_logs, tmp_path):
    moved = shutil.copytree(reference_logs, tmp_path / "elsewhere" / "left")
    import_logs(reference_logs, tmp_path / "one", legality="as_logged")
    import_logs(moved, tmp_path / "two", legality="as_logged")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert len(files(tmp_path / "one")) == 4


def test_a_pack_is_complete_and_says_what_made_it(reference_logs, out):
    import_logs(reference_logs, out, shard_rows=3, legality="as_logged")
    assert names(out) == [
        "manifest.json",
        "metadata.db",
        "steps-00000.npy",
        "steps-00001.npy",
        "valuation_types.json",
    ]
    manifest = durable.check_manifest(out)
    assert sorted(manifest["files"]) == [name for name in names(out) if name != "manifest.json"]
    assert (manifest["kind"], manifest["pack_version"]) == ("steps", 1)
    assert (manifest["source"], manifest["railyard_version"]) == ("left", railyard.__version__)
    assert manifest["options"] == {"shard_rows": 3, "on_error": "stop", "legality": "as_logged"}
    assert manifest["counts"]["rows"] == 4
    assert str(out.parent) not in (out / "manifest.json").read_text()
    assert names(out.parent) == ["out"]


def test_shards_hold_the_rows_of_a_single_file(samples, tmp_path):
    import_logs(samples, tmp_path / "one")
    import_logs(samples, tmp_path / "many", shard_rows=10_000)
    one, many = Pack.open(tmp_path / "one"), Pack.open(tmp_path / "many")
    assert np.diff(many.rows.starts).tolist() == [10_000] * 4 + [7053]
    assert rows_of(one).tobytes() == rows_of(many).tobytes()


def test_the_very_same_import_is_recognised_and_not_repeated(reference_logs, out):
    first = import_logs(reference_logs, out, on_error="skip")
    before = files(out)
    again = import_logs(reference_logs, out, on_error="skip")
    assert not first.already_there
    assert again.already_there
    assert again.counts == first.counts
    assert files(out) == before


def change_meta(logs, step):
    logs.meta("game", score=5)


def change_rows(logs, step):
    before = (logs.folder / "game.jsonl.gz").stat().st_size
    path = logs.steps("game", [step(valuation_type="seorch")])  # as long as before: only the checksum tells
    assert path.stat().st_size == before


def add_game(logs, step):
    logs.game("more")


@pytest.mark.parametrize("change", [change_meta, change_rows, add_game])
def test_an_import_of_other_logs_does_not_replace_a_pack(logs, step, out, change):
    logs.game()
    import_logs(logs.folder, out)
    change(logs, step)
    with pytest.raises(UserError, match="out exists and is not this import: choose another out=, or delete it"):
        import_logs(logs.folder, out)


def test_other_options_are_another_import(logs, out):
    logs.game()
    import_logs(logs.folder, out)
    with pytest.raises(UserError, match="is not this import"):
        import_logs(logs.folder, out, legality="as_logged")


def test_a_damaged_pack_does_not_pass_for_a_finished_import(logs, out):
    logs.game()
    import_logs(logs.folder, out)
    steps = bytearray((out / "steps.npy").read_bytes())
    steps[-1] ^= 1
    (out / "steps.npy").write_bytes(steps)
    with pytest.raises(UserError, match=r"steps\.npy differs from manifest\.json"):
        import_logs(logs.folder, out)
    (out / "metadata.db").unlink()
    with pytest.raises(UserError, match=r"metadata\.db is missing"):
        import_logs(logs.folder, out)


def test_an_occupied_place_is_refused_and_an_empty_folder_is_not(logs, out):
    logs.game()
    out.mkdir(parents=True)
    (out / "notes.txt").touch()
    with pytest.raises(UserError, match="out exists and is not this import"):
        import_logs(logs.folder, out)
    assert names(out) == ["notes.txt"]
    (out / "notes.txt").unlink()
    assert import_logs(logs.folder, out).counts.rows == 1


def test_a_file_in_the_place_is_refused(logs, out):
    logs.game()
    out.parent.mkdir()
    out.touch()
    with pytest.raises(UserError, match="out exists and is not this import"):
        import_logs(logs.folder, out)


def test_nothing_to_import_is_refused_and_leaves_nothing(logs, out):
    logs.meta("lonely")
    with pytest.raises(UserError, match="logs holds no game that can be imported: nothing was written"):
        import_logs(logs.folder, out)
    logs.game(rows=[b"{"])
    with pytest.raises(UserError, match="holds no game that can be imported"):
        import_logs(logs.folder, out, on_error="skip")
    assert names(out.parent) == []


def test_more_valuation_types_than_a_byte_counts_are_refused(logs, step, out):
    logs.game(rows=[step(valuation_type=str(i)) for i in range(254)])
    with pytest.raises(UserError, match="257 valuation types, a pack holds at most 256"):
        import_logs(logs.folder, out)


def test_valuation_types_get_one_id_over_all_games(logs, step, out):
    logs.game("a", [step(valuation_type="zeta"), step(valuation_type="tuple10")])
    logs.game("b", [step(valuation_type="eta"), step(valuation_type="zeta")])
    import_logs(logs.folder, out)
    assert rows_of(Pack.open(out))["valuation_type"].tolist() == [3, 2, 4, 3]


def test_progress_is_told_game_by_game(logs, out):
    for stem in "abc":
        logs.game(stem)
    logs.steps("b", [b"{"])
    told = []
    import_logs(logs.folder, out, on_error="skip", progress=lambda done, games: told.append((done, games)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_full_disk_is_one_sentence_and_keeps_what_is_done(logs, out, monkeypatch):
    def full(own, number, count):
        raise OSError(errno.ENOSPC, "No space left on device")

    for stem in "ab":
        logs.game(stem)
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        import_logs(logs.folder, out, progress=stop_after(1))
    with monkeypatch.context() as patch:
        patch.setattr(streams.ShardWriter, "_opened", full)
        with pytest.raises(RailyardError, match=r"no space left on device while writing .*\.out\.partial.*: free some"):
            import_logs(logs.folder, out)
    told = []
    import_logs(logs.folder, out, progress=lambda done, games: told.append(done))
    assert told == [2]


@pytest.mark.parametrize(
    ("logs_of", "workers", "keys"),
    [
        ("tiny_logs", 2, {"shard_rows": 170}),
        pytest.param("samples", 2, {"shard_rows": 7_000}, marks=pytest.mark.slow),
        pytest.param("reference_logs", 3, {"on_error": "skip"}, marks=pytest.mark.slow),
    ],
)
def test_any_number_of_workers_gives_the_same_bytes(request, out, logs_of, workers, keys):
    source = request.getfixturevalue(logs_of)
    one = import_logs(source, out / "one", workers=1, **keys)
    many = import_logs(source, out / "many", workers=workers, **keys)
    assert many.counts == one.counts
    assert files(out / "many") == files(out / "one")


def test_a_bad_game_found_by_a_worker_ends_the_import_and_leaves_nothing(reference_logs, out):
    with pytest.raises(BadGame, match=r"sub/c\.jsonl\.gz, line 1: the chosen move up"):
        import_logs(reference_logs, out, workers=2)
    assert names(out.parent) == []


@pytest.mark.parametrize(
    ("size", "cores", "workers"), [(1 << 20, 8, 1), (40 << 20, 8, 2), (400 << 20, 8, 8), (400 << 20, 1, 1)]
)
def test_workers_are_started_where_they_pay(logs, monkeypatch, size, cores, workers):
    path = logs.game()
    os.truncate(path, size)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert importing._fitting_workers(importing.find_games(logs.folder)) == workers


def stop_after(games):
    def stop(done, _):
        if done == games:
            raise KeyboardInterrupt

    return stop


def test_an_interrupted_import_goes_on_to_the_same_bytes(reference_logs, out, monkeypatch, caplog):
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)
    keys = {"shard_rows": 2, "legality": "as_logged"}
    whole = import_logs(reference_logs, out.parent / "whole", **keys)
    with pytest.raises(KeyboardInterrupt):
        import_logs(reference_logs, out, progress=stop_after(2), **keys)
    assert names(out.parent) == [".out.partial", "whole"]
    told = []
    caplog.set_level(logging.INFO)
    again = import_logs(reference_logs, out, progress=lambda done, games: told.append((done, games)), **keys)
    assert told == [(3, 3)]
    assert "2 records, 3 rows done" in caplog.text
    assert again.counts == whole.counts
    assert files(out) == files(out.parent / "whole")
    assert names(out.parent) == ["out", "whole"]


def test_skipped_games_are_remembered_across_an_interrupt(logs, out, monkeypatch):
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)
    for stem in "abc":
        logs.game(stem)
    logs.steps("b", [b"{"])
    whole = import_logs(logs.folder, out.parent / "whole", on_error="skip")
    with pytest.raises(KeyboardInterrupt):
        import_logs(logs.folder, out, on_error="skip", progress=stop_after(2))
    assert import_logs(logs.folder, out, on_error="skip").counts == whole.counts
    assert files(out) == files(out.parent / "whole")


@pytest.mark.parametrize("other", [{"legality": "as_logged"}, {"source": "changed"}])
def test_an_interrupted_import_of_something_else_is_kept_and_named(logs, out, monkeypatch, caplog, other):
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)
    for stem in "ab":
        logs.game(stem)
    with pytest.raises(KeyboardInterrupt):
        import_logs(logs.folder, out, progress=stop_after(1))
    if other.pop("source", None):
        logs.meta("a", score=7)
    told = []
    import_logs(logs.folder, out, progress=lambda done, games: told.append(done), **other)
    assert told == [1, 2]
    assert "begun with other data or options, or by another version: " in caplog.text
    (other,) = (out.parent / ".out.partial").iterdir()
    assert len(streams.journal.read(other / "journal.jsonl")) == 1
    assert names(out.parent) == [".out.partial", "out"]


def test_a_kill_just_before_publishing_costs_nothing(logs, out, monkeypatch):
    def stop(folder, out):
        raise KeyboardInterrupt

    for stem in "ab":
        logs.game(stem)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            import_logs(logs.folder, out)
    told = []
    import_logs(logs.folder, out, progress=lambda done, games: told.append(done))
    assert told == []
    import_logs(logs.folder, out.parent / "whole")
    assert files(out) == files(out.parent / "whole")


def commit_always_and_import(source, out, keys):
    streams.COMMIT_SECONDS = 0
    import_logs(source, out, **keys)


def killed(source, out, keys, seconds):
    """Whether a process forked from this warm one was still importing after `seconds`, when it was killed."""
    process = multiprocessing.get_context("fork").Process(target=commit_always_and_import, args=(source, out, keys))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.slow
def test_an_import_killed_anywhere_ends_with_the_same_bytes(samples, tmp_path):
    kills = 20
    keys = {"shard_rows": 7_000, "workers": 1}
    import_logs(samples, tmp_path / "whole", **keys)
    start = time.monotonic()  # after compilation, which a killed process does not repeat
    import_logs(samples, tmp_path / "again", **keys)
    shutil.rmtree(tmp_path / "again")
    seconds, rng, happened = time.monotonic() - start, random.Random(kills), 0
    for attempt in range(20 * kills):
        happened += killed(samples, tmp_path / "out", keys, rng.uniform(0, 1.2) * seconds)
        if (tmp_path / "out").exists():
            assert files(tmp_path / "out") == files(tmp_path / "whole"), attempt
            shutil.rmtree(tmp_path / "out")
        if happened == kills:
            break
    assert happened == kills
    import_logs(samples, tmp_path / "out", **keys)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert names(tmp_path) == ["out", "whole"]


PROGRAM = """
import pathlib, sys, time
from railyard.core.making import streams
from railyard.board.packs.importing import import_logs
streams.COMMIT_SECONDS = 0
def wait(done, games):
    print(done, flush=True)
    time.sleep(60)
import_logs(*map(pathlib.Path, sys.argv[1:]), workers=2, progress=wait)
"""


@pytest.mark.slow
def test_an_import_of_two_workers_that_is_killed_goes_on(samples, out):
    import_logs(samples, out.parent / "whole", workers=1)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, samples, out], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()
    assert not out.exists()
    told = []
    import_logs(samples, out, workers=2, progress=lambda done, games: told.append(done))
    assert told == [2, 3, 4, 5, 6]
    assert files(out) == files(out.parent / "whole")


def test_relative_folders_work(logs, out, monkeypatch):
    logs.game()
    monkeypatch.chdir(logs.folder)
    import_logs(importing.Path(), importing.Path("../packs/out"))
    assert json.loads((out / "manifest.json").read_text())["source"] == "logs"
