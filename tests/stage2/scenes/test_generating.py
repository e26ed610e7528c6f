import json

import pytest
from PIL import Image

from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.stage2.scenes import building
from railyard.stage2.scenes.generating import Recipe, generate
from railyard.stage2.scenes.painting import Layout
from railyard.stage2.scenes.records import read

RECIPE = Recipe("shapes", 3, Layout(64, 64, 0, 2))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(building, "PIECE", 4)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(out, n=10, workers=1, recipe=RECIPE, progress=lambda done, total, before: None):
    return generate(recipe, n, out, workers, progress)


def test_records_and_pictures_belong_together(tmp_path):
    manifest = make(tmp_path / "data")
    scenes = list(read(tmp_path / "data" / "scenes.jsonl", "tokens"))
    assert [scene.metadata["index"] for scene in scenes] == list(range(10))
    assert manifest["counts"]["objects"] == sum(len(scene.objects) for scene in scenes)
    assert manifest["counts"]["empty"] == sum(not scene.objects for scene in scenes) > 0
    for scene in scenes:
        with Image.open(tmp_path / "data" / scene.image) as image:
            assert (image.size, image.format) == ((scene.width, scene.height), "PNG")
    assert durable.check_manifest(tmp_path / "data")["made"] == {
        "kind": "shapes",
        "seed": 3,
        "layout": {"min_side": 64, "max_side": 64, "min_objects": 0, "max_objects": 2},
        "n": 10,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_longer_data_set_begins_with_the_shorter_one(tmp_path):
    make(tmp_path / "short", n=6)
    make(tmp_path / "long", n=10)
    short, long = ((tmp_path / name / "scenes.jsonl").read_text() for name in ("short", "long"))
    assert long.startswith(short)


def test_workers_do_not_change_a_byte(tmp_path):
    make(tmp_path / "one")
    make(tmp_path / "two", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_an_interrupted_call_is_gone_on_with(tmp_path):
    def interrupt(done, total, before):
        if done == 8:
            raise KeyboardInterrupt

    make(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "data", progress=interrupt)
    assert not (tmp_path / "data").exists()
    told = []
    make(tmp_path / "data", progress=lambda *each: told.append(each))
    assert told == [(10, 10, 8)]
    assert files(tmp_path / "data") == files(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "whole"]


def test_what_a_killed_writer_left_is_not_published(tmp_path):
    def interrupt(done, total, before):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "data", progress=interrupt)
    scenes = next((tmp_path / ".data.partial").glob("*/scenes"))
    leftover = durable._sibling(scenes / "scenes.jsonl", "tmp").name.replace(durable._TOKEN, "000")
    (scenes / leftover).write_text("half of it")
    make(tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["images", "manifest.json", "scenes.jsonl"]


def test_another_recipe_does_not_go_on_with_it(tmp_path):
    def interrupt(done, total, before):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "data", progress=interrupt)
    make(tmp_path / "data", recipe=Recipe("shapes", 4, RECIPE.layout))
    assert {scene.metadata["seed"] for scene in read(tmp_path / "data" / "scenes.jsonl")} == {4}


def test_a_finished_data_set_is_checked_and_kept(tmp_path):
    made = make(tmp_path / "data")
    assert make(tmp_path / "data")["counts"] == made["counts"]
    with pytest.raises(UserError, match="exists and is not this very data set"):
        make(tmp_path / "data", n=11)
    picture = tmp_path / "data" / "images" / "00000" / "0000000.png"
    picture.write_bytes(picture.read_bytes()[:-1])
    with pytest.raises(UserError, match="differs from manifest"):
        make(tmp_path / "data")


def test_something_else_at_the_place_is_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").touch()
    with pytest.raises(UserError, match="choose another out="):
        make(tmp_path / "data")
    (tmp_path / "data" / "mine").unlink()
    make(tmp_path / "data")
    assert json.loads((tmp_path / "data" / "manifest.json").read_bytes())["counts"]["images"] == 10


def test_a_choice_is_told_by_the_manifest(tmp_path):
    layout = Layout(64, 64, 1, 2, 0.3, None, ("red",), ("star", "ring"))
    made = make(tmp_path / "data", n=4, recipe=Recipe("shapes", 0, layout))
    assert made["made"]["layout"] == {
        **{"min_side": 64, "max_side": 64, "min_objects": 1, "max_objects": 2, "min_size": 0.3},
        **{"colours": ["red"], "shapes": ["star", "ring"]},
    }
    again = make(tmp_path / "data", n=4, recipe=Recipe("shapes", 0, layout))  # is known again
    assert again["made"] == made["made"]
