import json

import numpy as np
import pytest
from PIL import Image

from railyard.core.errors import UserError
from railyard.stage2.scenes import building
from railyard.stage2.scenes.converting import Options, convert
from railyard.stage2.scenes.records import read
from railyard.stage2.scenes.resize import MAX_PIXELS

STOP = Options(MAX_PIXELS, "auto", "stop")
SKIP = Options(MAX_PIXELS, "auto", "skip")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(building, "PIECE", 2)


@pytest.fixture
def source(tmp_path):
    """Three images of 100 x 80 with a box of 10..50 x 20..70 pixels each, in three spaces."""
    boxes = [
        [10, 20, 50, 70],
        [f"<|coord_{k}|>" for k in (100, 252, 505, 886)],
        [100, 252, 505, 886],
    ]
    for number, box in enumerate(boxes):
        Image.fromarray(np.full((80, 100, 3), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
        metadata = {"coordinate_space": "norm1000", "n": number} if number == 2 else {"n": number}
        add(tmp_path / "in.jsonl", image=f"{number}.png", box=box, metadata=metadata)
    return tmp_path / "in.jsonl"


def add(path, image="0.png", box=(10, 20, 50, 70), desc="cat", metadata=None, **keys):
    each = {"desc": desc, "bbox_2d": list(box)} | keys
    record = {"images": [image], "objects": [each], "width": 100, "height": 80, "metadata": metadata or {}}
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def run(source, out, options=STOP, images=None, workers=1):
    return convert(source, images, out, options, workers, lambda done, total, before: None)


def test_every_space_ends_as_tokens_on_images_as_fed(source, tmp_path):
    manifest = run(source, tmp_path / "out")
    assert manifest["counts"] == {
        "images": 3,
        "objects": 3,
        "empty": 0,
        "images_kept_as_they_are": 0,
        "polygons_made_boxes": 0,
    }
    scenes = list(read(tmp_path / "out" / "scenes.jsonl", "tokens"))
    assert {scene.objects[0].box for scene in scenes} == {(100, 252, 505, 886)}
    assert [scene.metadata for scene in scenes] == [{"n": n, "source_image": f"{n}.png"} for n in range(3)]
    for scene in scenes:
        with Image.open(tmp_path / "out" / scene.image) as image:
            assert image.size == (scene.width, scene.height) == (96, 64)


def test_what_was_converted_is_converted_to_itself(source, tmp_path):
    run(source, tmp_path / "once")
    counts = run(tmp_path / "once" / "scenes.jsonl", tmp_path / "twice")["counts"]
    assert counts["images_kept_as_they_are"] == 3
    once, twice = (list(read(tmp_path / name / "scenes.jsonl")) for name in ("once", "twice"))
    assert [scene.objects for scene in once] == [scene.objects for scene in twice]


def test_workers_do_not_change_a_byte(source, tmp_path):
    for workers in (1, 2):
        run(source, tmp_path / str(workers), workers=workers)
    files = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "1", tmp_path / "2")
    ]
    assert files[0] == files[1]


def test_polygons_become_boxes(source, tmp_path):
    record = json.loads(source.read_text().splitlines()[0])
    record["objects"] = [{"desc": "kite", "poly": [10, 20, 50, 20, 30, 70]}]
    source.write_text(json.dumps(record))
    assert run(source, tmp_path / "out")["counts"]["polygons_made_boxes"] == 1
    (scene,) = read(tmp_path / "out" / "scenes.jsonl", "tokens")
    assert scene.objects[0].box == (100, 252, 505, 886)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"image": "none.png"}, "line 4: the image .*none.png is missing"),
        ({"box": (10, 20, 5, 70)}, "line 4: object 1: .*x1 <= x2"),
        ({"desc": "a, b"}, "line 4: object 1: a description cannot contain ', '"),
        ({"colour": 3}, "line 4: object 1: 'colour' is not a key"),
    ],
)
def test_a_bad_record_stops_or_is_left_out(source, tmp_path, keys, says):
    add(source, **keys)
    with pytest.raises(UserError, match=f"in.jsonl, {says}"):
        run(source, tmp_path / "out", workers=2 if "image" in keys else 1)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    manifest = run(source, tmp_path / "out", SKIP)
    if "desc" in keys:
        assert manifest["counts"]["objects without a plain description"] == 1
    else:
        assert manifest["counts"]["skipped"] == len(manifest["skipped"]) == 1
        assert manifest["counts"]["images"] == 3


def test_a_folder_that_was_not_named_is_asked_for_where_an_image_is_missing(source, tmp_path):
    add(source, image="none.png")
    with pytest.raises(UserError, match=r"none.png is missing: name their folder with images=…$"):
        run(source, tmp_path / "out")
    with pytest.raises(UserError, match=r"none.png is missing$"):
        run(source, tmp_path / "out", images=tmp_path)


def test_no_name_leads_out_of_the_folder_of_images(source, tmp_path):
    (tmp_path / "inside").mkdir()
    Image.new("RGB", (100, 80)).save(tmp_path / "outside.png")
    add(tmp_path / "inside" / "in.jsonl", image="../outside.png")
    with pytest.raises(UserError, match=r"an image lies in the file's folder or below it, got '../outside.png'"):
        run(tmp_path / "inside" / "in.jsonl", tmp_path / "out")


def test_counts_are_numbers_where_one_image_is_all(source, tmp_path):
    content = {"images": [{"id": 5, "file_name": "0.png", "width": 100, "height": 80}]}
    (tmp_path / "a.json").write_text(json.dumps({**content, "annotations": [], "categories": []}))
    counts = run(tmp_path / "a.json", tmp_path / "out")["counts"]
    assert counts["empty"] == 1
    assert {type(count) for count in counts.values()} == {int}


def test_a_link_to_an_empty_folder_is_a_place_for_a_data_set(source, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    run(source, tmp_path / "link")
    assert (tmp_path / "there" / "scenes.jsonl").is_file()


def test_coco_goes_the_same_way(source, tmp_path):
    annotations = [{"image_id": 5, "category_id": 1, "bbox": [10, 20, 40, 50], "iscrowd": crowd} for crowd in (0, 1)]
    images = [
        {"id": number, "file_name": name, "width": 100, "height": 80} for number, name in ((5, "0.png"), (6, "x"))
    ]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "labels").mkdir()
    coco = tmp_path / "labels" / "instances.json"
    coco.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"instances.json, image x: the image .*x is missing"):
        run(coco, tmp_path / "out", images=tmp_path)
    manifest = run(coco, tmp_path / "out", SKIP, images=tmp_path)
    assert (manifest["counts"]["crowds"], manifest["counts"]["images"], manifest["counts"]["skipped"]) == (1, 1, 1)
    (scene,) = read(tmp_path / "out" / "scenes.jsonl", "tokens")
    assert scene.objects[0].box == (100, 252, 505, 886)
    assert scene.metadata == {"image_id": 5, "source_image": "0.png"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [("a.txt", "", "is no file of annotations"), ("a.jsonl", "", "a.jsonl is empty"), ("a.json", "{}", "is not COCO")],
)
def test_what_cannot_be_converted(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=says):
        run(tmp_path / name, tmp_path / "out")


def test_coco_has_one_space(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UserError, match=r"space=norm1000 is for records"):
        run(tmp_path / "a.json", tmp_path / "out", Options(MAX_PIXELS, "norm1000", "stop"))


def test_a_folder_of_images_that_is_none(source, tmp_path):
    with pytest.raises(UserError, match=r"images=.*0.png is no folder"):
        run(source, tmp_path / "out", SKIP, images=tmp_path / "0.png")


def test_nothing_left_is_a_mistake(source, tmp_path):
    source.write_text("{}\n")
    with pytest.raises(UserError, match=r"no image is left, nothing was written: .*line 1"):
        run(source, tmp_path / "out", SKIP)
    assert not (tmp_path / "out").exists()


def test_a_link_out_of_the_folder_is_not_followed(source, tmp_path):
    inside = tmp_path / "images"
    inside.mkdir()
    Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(inside / "0.png")
    (inside / "1.png").symlink_to(inside / "0.png")
    (inside / "2.png").symlink_to(tmp_path / "2.png")
    manifest = convert(source, inside, tmp_path / "out", SKIP, 1, lambda *_: None)
    assert manifest["counts"]["images"] == 2
    assert "2.png is a link out of" in manifest["skipped"][0]


def test_numbers_that_look_like_bins_are_told(tmp_path, caplog):
    Image.fromarray(np.zeros((64, 1600, 3), np.uint8)).save(tmp_path / "0.png")
    each = {"desc": "cat", "bbox_2d": [1, 2, 999, 60]}
    record = {"images": ["0.png"], "objects": [each] * 100, "width": 1600, "height": 64}
    (tmp_path / "in.jsonl").write_text(json.dumps(record) + "\n")
    with caplog.at_level("WARNING"):
        convert(tmp_path / "in.jsonl", None, tmp_path / "out", STOP, 1, lambda *_: None)
    assert "are these bins of norm1000?" in caplog.text


def test_an_image_entry_without_a_size_is_left_out(tmp_path):
    Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(tmp_path / "0.png")
    images = [{"id": n, "file_name": "0.png", "width": 100 if n else None, "height": 80} for n in range(2)]
    (tmp_path / "in.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    with pytest.raises(UserError, match=r"in.json, image 0: width is a whole number"):
        convert(tmp_path / "in.json", None, tmp_path / "stop", STOP, 1, lambda *_: None)
    manifest = convert(tmp_path / "in.json", None, tmp_path / "skip", SKIP, 1, lambda *_: None)
    assert (manifest["counts"]["images"], manifest["counts"]["skipped"]) == (1, 1)
