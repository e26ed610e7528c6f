"""What `railyard show` tells of raw logs."""

import json

from railyard.apps.show import artifact_at
from railyard.board.logs.describe import describe_logs, is_raw_logs


def write(folder, stem, score, tile, steps=True):
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"seed": 1, "num_moves": 10, "score": score, "max_tile": tile}
    (folder / f"{stem}.meta.json").write_text(json.dumps(meta))
    if steps:
        (folder / f"{stem}.jsonl.gz").write_bytes(b"12345")


def test_games_are_counted_and_what_is_damaged_is_named(tmp_path):
    write(tmp_path / "a", "one", 100, 512)
    write(tmp_path / "a", "two", 300, 1024)
    facts = describe_logs(tmp_path)
    assert (facts["games"], facts["moves"], facts["bytes"], facts["damaged"]) == (2, 20, 10, [])
    assert facts["highest_tile"] == {512: 1, 1024: 1}
    assert facts["score_percentiles"][50] == 200
    write(tmp_path / "a", "bare", 1, 2, steps=False)
    (tmp_path / "a" / "two.meta.json").write_text("{")
    facts = describe_logs(tmp_path)
    assert (facts["games"], facts["highest_tile"], len(facts["damaged"])) == (2, {512: 1}, 2)


def test_show_knows_a_folder_of_them_and_a_folder_of_folders(tmp_path):
    write(tmp_path / "a", "one", 100, 512)
    assert {artifact_at(path).name for path in (tmp_path, tmp_path / "a")} == {"raw logs"}


def test_a_folder_above_a_pack_of_blocks_is_none(tmp_path):
    write(tmp_path / "pack", "labels", 100, 512, steps=False)
    assert not is_raw_logs(tmp_path)
