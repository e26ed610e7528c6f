import json

import numpy as np
import pytest
from PIL import Image

from railyard.stage2.scenes import drawing
from railyard.stage2.scenes.drawing import CELL, draw, overlay, sample, sheet
from railyard.stage2.scenes.generating import Recipe, generate
from railyard.stage2.scenes.painting import Layout
from railyard.stage2.scenes.records import Scene, SceneObject
from railyard.stage2.scenes.statistics import describe

BOX = SceneObject("cat", (250, 500, 750, 900))


def changed(objects, size=(401, 201)):
    picture = Image.new("RGB", size, "#808080")
    overlay(picture, objects)
    return (np.asarray(picture) != 0x80).any(axis=-1)


def test_a_box_is_drawn_where_its_bins_say():
    pixels = changed([BOX])
    rows, columns = np.flatnonzero(pixels[:, 200:].any(axis=1)), np.flatnonzero(pixels[150])
    assert abs(columns - [100] * len(columns)).min() <= 1
    assert abs(columns.max() - 300) <= 2
    assert abs(rows.max() - 181) <= 2
    assert not pixels[120:170, 110:290].any()  # what is inside stays to be seen


def test_descriptions_stay_on_the_picture():
    for box in ((0, 0, 100, 100), (950, 0, 999, 50), (900, 950, 999, 999)):
        named, bare = (changed([SceneObject(desc, box)]) for desc in ("a long description of a thing", " "))
        assert (named & ~bare).sum() > 500


def test_descriptions_are_letters_in_other_scripts_too():
    pytest.importorskip("matplotlib")
    drawn = [changed([SceneObject(desc, BOX.box)]) for desc in ("жук", "кот")]
    assert not np.array_equal(*drawn)


def test_polygons_are_drawn_too():
    kite = SceneObject("kite", (250, 250, 750, 750), (250, 250, 750, 250, 500, 750))
    bounds = SceneObject("kite", kite.box)
    assert (changed([kite]) & ~changed([bounds])).sum() > 50


def test_an_image_that_is_missing_is_a_grey_field(tmp_path):
    cell = sample(7, Scene("none.png", 64, 32, (BOX,)), tmp_path)
    assert cell.size == (CELL, CELL + drawing.CAPTION)


def test_a_sheet_has_a_place_for_each_sample():
    cells = [Image.new("RGB", (CELL, CELL + drawing.CAPTION), colour) for colour in ("red", "lime", "blue")] * 3
    page = np.asarray(sheet(cells))
    assert [(page == colour).all(axis=-1).sum() for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))] == [
        3 * CELL * (CELL + drawing.CAPTION)
    ] * 3
    assert sheet([]).width > 0


def test_any_description_can_be_drawn(tmp_path):
    descs = ("猫", "two\nlines", r"costs $\frac$", "x" * 500)
    record = {"images": ["none.png"], "width": 1_000_000, "height": 9}
    record["objects"] = [{"desc": desc, "bbox_2d": [0, 0, 9, 9]} for desc in descs]
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    assert len(draw(tmp_path / "a.jsonl", tmp_path)) == 2
    assert set(describe(tmp_path / "a.jsonl")["commonest"]) == set(descs)


def test_a_data_set_is_drawn(tmp_path):
    recipe = Recipe("shapes", 0, Layout(64, 64, 1, 2))
    generate(recipe, 5, tmp_path / "data", 1, lambda done, total, before: None)
    drawn = draw(tmp_path / "data", tmp_path / "out")
    assert [path.name for path in drawn] == ["samples.png", "distributions.png"]
    for path in drawn:
        with Image.open(path) as image:
            assert min(image.size) > CELL
