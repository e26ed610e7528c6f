import json

import numpy as np
import pytest
from PIL import Image

from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.stage2.scenes import statistics
from railyard.stage2.scenes.coordinates import TOKENS
from railyard.stage2.scenes.statistics import describe, tally


def write(folder, records):
    path = folder / "scenes.jsonl"
    path.write_text("".join(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records))
    return path


def record(boxes=(), image="a.png", width=64, height=32, descs="cat", **keys):
    descs = [descs] * len(boxes) if isinstance(descs, str) else descs
    objects = [{"desc": desc, "bbox_2d": list(box)} for desc, box in zip(descs, boxes, strict=True)]
    return {"images": [image], "objects": objects, "width": width, "height": height, **keys}


def tokens(*bins):
    return [TOKENS[k] for k in bins]


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(tmp_path / "a.png")
    return tmp_path


def test_records_are_counted(folder):
    box, wide = tokens(0, 0, 100, 200), tokens(500, 600, 999, 800)
    write(folder, [record([box, wide], descs=["cat", "dog"]), record([box]), record()])
    facts = describe(folder)
    assert [facts[key] for key in ("images", "objects", "descriptions")] == [3, 3, 2]
    assert facts["commonest"] == {"cat": 2, "dog": 1}
    assert facts["objects_per_image"] == {"min": 0, "median": 1, "mean": 1.0, "max": 2}
    assert facts["width"] == {"min": 0.1, "p10": 0.1, "median": 0.1, "p90": 0.499, "max": 0.499}
    assert facts["height"]["median"] == 0.2
    assert (facts["faults"], facts["suspicions"]) == ({}, [])
    found = tally(folder / "scenes.jsonl")
    assert (found.middles[0, 0], found.middles[5, 5], found.middles.sum()) == (2, 1, 3)


def test_chunks_do_not_change_the_counts(folder, monkeypatch):
    rng = np.random.default_rng(0)
    boxes = [tokens(*np.sort(rng.integers(0, 1000, (2, 2)), axis=0).ravel()) for _ in range(40)]
    path = write(folder, [record(boxes[at : at + 4]) for at in range(0, 40, 4)])
    whole = statistics.facts_of(tally(path), path)
    monkeypatch.setattr(statistics, "CHUNK", 7)
    assert statistics.facts_of(tally(path), path) == whole


def test_every_fault_is_counted_and_the_first_are_told(folder):
    (folder / "torn.png").write_bytes(b"\x89PNG")
    bad = [record([[1, 2, 3]]) for _ in range(7)]
    write(folder, [record(), record(image="b.png"), record(image="torn.png"), record(width=65), "{", *bad])
    facts = describe(folder)
    assert facts["faults"] == {"missing images": 1, "bad images": 1, "images of another size": 1, "bad records": 8}
    assert facts["images"] == 4
    told = facts["first_faults"]
    assert told[0] == "line 2: the image b.png is missing"
    assert "torn.png: this is no PNG" in told[1]
    assert told[2] == "line 4: the record says 65 x 32, a.png has 64 x 32"
    assert [line.split(":")[0] for line in told[3:]] == [f"line {number}" for number in range(5, 10)]


def test_norm1000_taken_for_pixels_is_suspected(folder):
    boxes = [[k, k, 999 - k, 900] for k in range(120)]
    path = write(folder, [record(boxes, width=2000, height=1500)])
    assert "are these bins of norm1000? space=norm1000" in describe(path)["suspicions"][0]
    assert describe(path, "norm1000")["suspicions"] == []
    path = write(folder, [record([*boxes, [0, 0, 1500, 5]], width=2000, height=1500)])
    assert describe(path)["suspicions"] == []


def test_pixels_written_as_tokens_are_suspected(folder):
    small = [tokens(k, k, k + 300, k + 200) for k in range(120)]
    assert "were pixels written as tokens?" in describe(write(folder, [record(small)]))["suspicions"][0]
    assert describe(write(folder, [record([*small, tokens(0, 0, 999, 999)])]))["suspicions"] == []


def test_boxes_cut_by_a_wrong_size_are_suspected(folder):
    clipped = [tokens(k, k, 999, 999) for k in range(120)]
    assert "boxes end at an edge" in describe(write(folder, [record(clipped)]))["suspicions"][0]


def test_a_folder_with_a_manifest_is_compared_with_it(folder):
    write(folder, [record()])
    assert "made elsewhere" in describe(folder)["integrity"]
    durable.write_manifest(folder, {})
    assert describe(folder)["integrity"] == "every file is as the manifest says"
    (folder / "a.png").write_bytes(b"")
    assert "a.png differs" in describe(folder)["integrity"]


def test_progress_is_told_after_each_record_good_or_bad(folder):
    path, told = folder / "a.jsonl", []
    path.write_text("{}\n{}\n")
    tally(path, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_samples_are_of_the_whole_file(folder):
    path = write(folder, [record() for _ in range(300)])
    numbers = [number for number, _ in tally(path).samples]
    assert len(set(numbers)) == statistics.SAMPLES
    assert max(numbers) > 100


def test_polygons_are_counted(folder):
    kite = {"desc": "kite", "poly": [0, 0, 63, 0, 63, 31]}
    facts = describe(write(folder, [record() | {"objects": [kite]}]))
    assert (facts["polygons"], facts["objects_in_plain_numbers"]) == (1, 1)


def test_an_empty_file_is_refused(folder):
    with pytest.raises(UserError, match="is empty"):
        describe(write(folder, []))
