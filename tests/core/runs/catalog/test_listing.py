"""Lists of runs: order, conditions, sweeps, what is alive, and that no change is missed."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from railyard.core.errors import UserError
from railyard.core.runs import run_state
from railyard.core.runs.catalog import listing
from railyard.core.runs.catalog.listing import listed
from railyard.core.store.lock import locked

A, B, C = (f"2026-11-{day}T10-00-00Z_{day}aaaa" for day in (10, 11, 12))


@pytest.fixture
def ask(tmp_path):
    def ask(where=None, sort="-when", keys=(), trials=False, full=False):
        return listed(tmp_path / "outputs", where, sort, keys, trials, full)

    return ask


def names(rows):
    return [row["name"] for row in rows]


def test_newest_first_and_by_any_key(make, ask):
    for name, loss, lr in ((A, 3.0, 0.1), (B, 1.0, 0.3), (C, 2.0, 0.2)):
        make(f"train/none/{name}", rows=((10, loss),), best=loss, config={"model": {"lr": lr}})
    assert names(ask()) == [C, B, A]
    assert names(ask(sort="val/loss")) == [B, C, A]
    assert names(ask(sort="-model.lr")) == [B, C, A]
    assert names(ask("val/loss<2.5 and model.lr>0.25")) == [B]
    assert [row["model.lr"] for row in ask(keys=["model.lr"])] == [0.2, 0.3, 0.1]


def test_runs_without_the_key_come_last(make, ask):
    make(f"train/none/{A}", best=None)
    make(f"train/none/{B}", best=2.0)
    assert names(ask(sort="best")) == names(ask(sort="-best")) == [B, A]


def test_a_changed_run_is_seen_at_once_a_new_one_too_and_a_deleted_one_is_gone(make, ask):
    first, second = make(f"train/none/{A}"), make(f"train/none/{B}")
    assert [row["state"] for row in ask()] == ["finished", "finished"]
    run_state._write(first, "failed")
    shutil.rmtree(second)
    make(f"train/none/{C}", settled=False)
    assert [(row["name"], row["state"]) for row in ask()] == [(C, "finished"), (A, "failed")]


def test_who_holds_the_lock_is_running_and_who_does_not_was_killed(make, ask):
    folder = make(f"train/none/{A}", state="running")
    assert ask()[0]["state"] == "killed"
    with locked(folder):
        assert ask("state=running")[0]["name"] == A
    assert ask()[0]["state"] == "killed"


def test_a_sweep_is_one_row_with_its_best_trial(make, ask):
    make(f"train/none/{A}/0", best=3.0)
    make(f"train/none/{A}/1", best=1.0)
    make(f"train/none/{A}/2", best=None, state="failed")
    make(f"train/none/{B}")
    plain, sweep = ask()
    assert (plain["name"], sweep["name"], sweep["path"]) == (B, A, f"train/none/{A}")
    assert (sweep["state"], sweep["best"]) == ("2 finished, 1 failed", 1.0)
    assert names(ask("sweep~10aaaa", sort="name", trials=True)) == [f"{A}/0", f"{A}/1", f"{A}/2"]
    assert ask("state=failed")[0]["state"] == "1 failed"


def test_a_sweep_began_with_its_first_trial(make, ask):
    for number, hour in ((0, 12), (1, 10), (2, 11)):
        config = make(f"train/none/mine/{number}") / "config.yaml"
        os.utime(config, (datetime(2026, 11, 10, hour, tzinfo=UTC).timestamp(),) * 2)
    assert [row["when"] for row in ask()] == ["2026-11-10T10:00:00+00:00"]


def test_the_best_of_a_sweep_that_maximises(make, ask):
    saver = {"callbacks": {"saver": {"monitor": "val/accuracy", "mode": "max"}}}
    make(f"train/none/{A}/0", best=0.3, config=saver)
    make(f"train/none/{A}/1", best=0.7, config=saver)
    assert ask()[0]["best"] == 0.7


def test_unknown_keys_are_named_with_the_nearest(make, ask):
    make(f"train/none/{A}")
    for where, hint in (
        ("sed=1", "'seed'"),
        ("lr>1", "'model.lr'"),
        ("val/los<1", "'val/loss'"),
        ("stat=x", "'state'"),
    ):
        with pytest.raises(UserError, match=f"no run has the key .*; did you mean {hint}"):
            ask(where)
    with pytest.raises(UserError, match="did you mean 'best'"):
        ask(sort="-bets")


def test_full_rows_hold_every_detail(make, ask):
    make(f"train/none/{A}")
    (row,) = ask(full=True)
    assert row["details"]["callbacks.saver.monitor"] == "val/loss"


def test_damage_is_reported(make, ask, caplog):
    for name in (A, B, C, "d"):
        (make(f"train/none/{name}") / "config.yaml").write_text("[")
    assert len(ask()) == 4
    assert "4 runs have damaged files" in caplog.text


def test_a_root_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"no folder .*nowhere"):
        listed(tmp_path / "nowhere", None, "-when", (), False, False)


def test_the_table_fits_what_stands_in_it(make, ask):
    make(f"train/none/{A}", best=1234.5678)
    text = listing.as_text(ask(), ["name", "best", "when", "tags", "sweep"])
    assert text.splitlines()[1].split("  ") == [A, "val/loss 1235", "2026-11-10 10:00", "a"]


def test_a_list_needs_no_torch_lightning_or_numba(make, tmp_path):
    make(f"train/none/{A}")
    heavy = "[m for m in ('torch', 'lightning', 'numba') if m in sys.modules]"
    code = f"import sys; from railyard.cli import main; main(['runs']); print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
