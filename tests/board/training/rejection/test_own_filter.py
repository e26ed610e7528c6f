"""A filter of a user's own, one file of the working directory, and the translated examples, in whole training runs."""

import contextlib
import io
import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from annotators import annotate, facts

from railyard import cli

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[4] / "docs" / "coming_from.md"
BLOCKS = dict(re.findall(r"```yaml\n# (\w+) form\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
OWN = """
import numpy as np
from pydantic import Field
from railyard.board.training.filters.filter import Filter

class Every(Filter):
    needs = ("argmax_head",)
    step: int = Field(2, description="of the rows that are taken")

    def keep(self, inputs):
        return np.arange(inputs.first, inputs.first + len(inputs.rows)) % self.step == 0
"""
SMALL = [
    *("data.batch_size=32", "model.encoder.hidden_size=16", "model.encoder.num_hidden_layers=1"),
    *("model.encoder.num_attention_heads=2", "model.encoder.intermediate_size=16", "trainer.max_epochs=1"),
    *("logger=null", "data.validation_fraction=0.3"),
]


@pytest.fixture(scope="module")
def folder(tiny_pack, tmp_path_factory):
    return annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts())[0]


@pytest.fixture
def call(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = cli.main([*map(str, words), "json=true"])
        assert code == 0, errors.getvalue()
        return json.loads(output.getvalue().splitlines()[-1]), errors.getvalue()

    return call


def experiment(folder, pack, tokenizer, data, **root):
    file = folder / "conf" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True)
    given = {
        "defaults": ["/experiment/board/quickstart", "_self_"],
        "data": {"pack": str(pack), "tokenizer": str(tokenizer), **data},
        **root,
    }
    file.write_text(f"# @package _global_\n{yaml.safe_dump(given, sort_keys=False)}")


def test_one_file_works_in_train_filters_and_validate(call, tiny_pack, tiny_tokenizer, folder, tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    sys.modules.pop("mine", None)
    filters = [
        {"id": "own", "filter": {"_target_": "mine.Every", "step": 3}, "weight": 0.5},
        {"id": "all", "name": "passthrough", "weight": 0.5},
    ]
    rejection = {"annotation_dir": str(folder), "filters": filters}
    experiment(tmp_path, tiny_pack, tiny_tokenizer, {"rejection": rejection}, allow=["mine.Every"])
    (own, _) = call("filters", "experiment=mine", "dry_run=true")[0]["mixes"]
    assert (own["filter"], own["matched"]) == ("mine.Every", 400)
    _, plan = call("train", "experiment=mine", "validate_config=true", *SMALL)
    assert "own: Every matched 33.3 %" in plan
    result, _ = call("train", "experiment=mine", *SMALL)
    rows = [json.loads(line) for line in Path(result["run"], "metrics.jsonl").read_text().splitlines()]
    assert any("mix/own" in row for row in rows)


@pytest.mark.parametrize("form", ["short", "full"])
def test_the_translated_examples_validate_and_train(call, form, tiny_pack, tiny_tokenizer, folder, tmp_path):
    text = BLOCKS[form]
    for place in ("annotations/d6_1440_v2_50m_20251015", "annotations/teacher_depth8", "annotations/teacher_depth6"):
        text = text.replace(place, str(folder))
    for place in ("datasets/teacher_depth8", "datasets/teacher_depth6"):
        text = text.replace(place, str(tiny_pack))
    experiment(tmp_path, tiny_pack, tiny_tokenizer, yaml.safe_load(text)["data"])
    _, plan = call("train", "experiment=mine", "validate_config=true", *SMALL)
    assert "student_wrong_p1 matched" in plan
    result, _ = call("train", "experiment=mine", *SMALL)
    ids = re.findall(r"\bid: (\w+)", text)
    rows = [json.loads(line) for line in Path(result["run"], "metrics.jsonl").read_text().splitlines()]
    assert {f"mix/{mix_id}" for mix_id in ids} <= {name for row in rows for name in row}
