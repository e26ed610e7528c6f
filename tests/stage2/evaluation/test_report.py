import json
import re

import numpy as np
from judged_images import CUP, DOG, judged
from PIL import Image

from railyard.stage2.evaluation import report
from railyard.stage2.evaluation.figures import rollout_figures
from railyard.stage2.evaluation.overlays import name_of, pair
from railyard.stage2.scenes.drawing import CAPTION, CELL, GAP


def images():
    good = [judged(line, [CUP], [CUP]) for line in range(1, 26)]
    return [*good, judged(26, [CUP], "{}"), judged(27, [CUP], [DOG, DOG, CUP]), judged(28, [], '{"a<b>": 1}')]


def write(tmp_path, drawn=3):
    for line in range(1, 29):
        Image.new("RGB", (96, 64), (line * 9, 90, 90)).save(tmp_path / f"{line}.png")
    some = images()
    report.write(tmp_path / "out", some, rollout_figures(some, 0.3), {"model": "init"}, tmp_path, drawn)
    return tmp_path / "out"


def test_the_page_shows_the_worst_first_and_every_overlay_is_there(tmp_path):
    out = write(tmp_path)
    page = (out / "worst.html").read_text()
    lines = [int(line) for line in re.findall(r"<h2>Line (\d+):", page)]
    assert len(lines) == 20
    assert lines[:3] == [26, 27, 28]
    shown = re.findall(r'src="([^"]+)"', page)
    assert all((out / name).is_file() for name in shown)
    drawn = {path.name for path in (out / "overlays").iterdir()}
    assert drawn == {f"{line:07d}.png" for line in {1, 2, 3, *lines}}
    assert "{&quot;a&lt;b&gt;&quot;: 1}" in page
    assert "http" not in page


def test_every_image_is_a_line_with_what_became_of_each_prediction(tmp_path):
    lines = [json.loads(line) for line in (write(tmp_path) / "predictions.jsonl").read_text().splitlines()]
    assert [line["line"] for line in lines] == [*range(1, 29)]
    wrong = lines[26]
    assert [each["matched"] for each in wrong["predictions"]] == [None, None, 0]
    assert wrong["predictions"][2] == {
        "desc": "red cup",
        "bbox_2d": [1, 2, 300, 400],
        "confidence": 0.5,
        "matched": 0,
        "iou": 1.0,
    }
    assert lines[25]["predictions"] == []
    assert lines[27]["drops"] == {"key_invalid": 1}
    assert lines[27]["text"] == '{"a<b>": 1}<|im_end|>'


def test_figures_are_written_for_people_and_for_programs(tmp_path):
    out = write(tmp_path)
    kept = json.loads((out / "evaluation.json").read_text())
    assert (kept["schema_version"], kept["model"], kept["figures"]["eval_rollout_images"]) == (1, "init", 28)
    assert "| eval_rollout_recall_50 |" in (out / "evaluation.md").read_text()


def test_an_overlay_has_the_truth_on_the_left_and_the_answer_on_the_right(tmp_path):
    Image.new("RGB", (96, 64), "#808080").save(tmp_path / "1.png")
    page = np.asarray(pair(judged(1, [CUP, DOG], "{}"), tmp_path))
    assert page.shape == (CELL + CAPTION, 2 * CELL + GAP, 3)
    sides = page[:CELL, :CELL].astype(int), page[:CELL, -CELL:].astype(int)
    coloured = [np.ptp(side.reshape(-1, 3), axis=1).max() > 40 for side in sides]
    assert coloured == [True, False]
    assert name_of(judged(12, [], "{}")) == "overlays/0000012.png"
    gone = pair(judged(2, [CUP], [CUP]), tmp_path)
    assert gone.size == (2 * CELL + GAP, CELL + CAPTION)


def test_no_images_are_a_report_too(tmp_path):
    report.write(tmp_path / "out", [], rollout_figures([], 0.3), {}, tmp_path, 3)
    assert "There are no images" in (tmp_path / "out" / "worst.html").read_text()
