"""Which folders are runs, and that their stamp changes with them."""

from types import SimpleNamespace

from railyard.core.runs import run_state
from railyard.core.runs.catalog import discover
from railyard.core.runs.catalog.discover import find
from railyard.core.store.journal import Journal


def test_runs_at_any_depth_and_nothing_inside_them(make, tmp_path):
    make("train/none/a")
    make("train/none/a/init")
    make("train/board/b/c")
    make("train/none/sweep/0")
    make("train/none/.hidden")
    (tmp_path / "outputs" / "empty").mkdir()
    assert set(find(tmp_path / "outputs")) == {"train/none/a", "train/board/b/c", "train/none/sweep/0"}


def stamp(tmp_path):
    (found,) = find(tmp_path / "outputs").values()
    return found


def test_every_kind_of_change_changes_the_stamp(make, tmp_path, monkeypatch):
    second, clock = 10**9, [0]
    monkeypatch.setattr(discover, "time", SimpleNamespace(time_ns=lambda: clock[0]))

    def newest():
        return max(path.stat().st_mtime_ns for path in [*folder.rglob("*"), folder])

    folder = make("train/none/a")
    clock[0] = newest() + 3 * second
    seen = [stamp(tmp_path)]
    changes = [
        lambda: (folder / "config.yaml").write_text("seed: 2\n"),
        lambda: Journal(folder / "metrics.jsonl").append({"step": 30}),
        lambda: (folder / "checkpoints" / "more").touch(),
        lambda: run_state._write(folder, "stopped"),
    ]
    for change in changes:
        change()
        clock[0] = newest() + second
        assert stamp(tmp_path) == "", "changed just now: not to be trusted yet"
        clock[0] = newest() + 3 * second
        seen.append(stamp(tmp_path))
    assert len(set(seen)) == 5
    assert stamp(tmp_path) == seen[-1]
