"""`railyard filters` as typed: the list, one by hand, all mixes of an experiment, a filter of one's own."""

import json
import sys
from pathlib import Path

import pytest
from annotators import annotate, facts

from railyard import cli
from railyard.board.packs.pack import Pack
from railyard.board.training.split import Split

OWN = """
import numpy as np
from pydantic import Field
from railyard.board.training.filters.filter import Filter

class Even(Filter):
    needs = ("argmax_head",)
    step: int = Field(2, description="of the rows that are taken")

    def keep(self, inputs):
        return np.arange(inputs.first, inputs.first + len(inputs.rows)) % self.step == 0
"""


@pytest.fixture(scope="module")
def folder(tiny_pack, tmp_path_factory):
    return annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts())[0]


@pytest.fixture
def call(folder, capsys, tmp_path, monkeypatch):  # the session first: the command line takes over the log
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = cli.main(["filters", *map(str, words)])
        output, errors = capsys.readouterr()
        return code, output, errors

    return call


def by_hand(pack, folder, *words):
    return ("id=errors", f"dataset={pack}", f"annotation='{folder}'", *words)


def test_the_list(call):
    code, output, _ = call()
    assert code == 0
    assert "top_k_disagreements\n" in output
    assert "  k (int): rows that are kept at most" in output
    assert "needs teacher_move, policy_p1, argmax_head" in output
    listed = json.loads(call("json=true")[1].splitlines()[-1])["filters"]
    assert {each["name"]: list(each["params"]) for each in listed}["teacher_margin"] == ["min_loss"]


def test_one_by_hand(call, tiny_pack, folder, tmp_path):
    words = by_hand(tiny_pack, folder, "filter=student_wrong_p1")
    code, output, _ = call(*words, "dry_run=true")
    assert code == 0
    assert output.startswith("errors: student_wrong_p1 matched ")
    assert not (tmp_path / "cache").exists()
    code, output, _ = call(*words, "cache_dir=cache")
    assert "kept in cache/errors.npy" in output
    (mix,) = json.loads(call(*words, "cache_dir=cache", "json=true")[1].splitlines()[-1])["mixes"]
    assert mix["matched"] == json.loads(Path("cache/errors.json").read_text())["count"]
    none = "filter={name: query, params: {where: 'row<0'}}"
    code, output, _ = call(*by_hand(tiny_pack, folder, none), "dry_run=true")
    assert "warning: matched no row" in output


def test_all_mixes_of_an_experiment(call, tiny_pack, tiny_tokenizer, folder, tmp_path):
    experiment = tmp_path / "conf" / "experiment" / "mine.yaml"
    experiment.parent.mkdir(parents=True)
    experiment.write_text(f"""# @package _global_
defaults:
  - override /data: board_pack
data:
  pack: {tiny_pack}
  tokenizer: {tiny_tokenizer}
  rejection:
    annotation_dir: {folder}
    cache_dir: cache
    filters:
      - {{id: errors, name: student_wrong_p1, weight: 0.9}}
      - {{id: own, filter: {{_target_: mine.Even, step: 3}}, weight: 0.1}}
      - {{id: rest, name: all, weight: 0.1}}
allow: [mine.Even]
""")
    (tmp_path / "mine.py").write_text(OWN)
    sys.modules.pop("mine", None)
    code, output, errors = call("experiment=mine")
    assert code == 0, errors
    assert [line.split(" matched")[0] for line in output.splitlines()] == [
        "errors: student_wrong_p1",
        "own: mine.Even",
        "rest: passthrough",
    ]
    pack = Pack.open(tiny_pack)
    split = Split.of(pack.runs.steps, 0.1, 0)
    assert output.splitlines()[2].endswith(f", {pack.runs.steps[split.train].sum():,} of them to train on")
    assert sorted(path.name for path in Path("cache").glob("*.npy")) == ["errors.npy", "own.npy"]
    assert json.loads(Path("cache/own.json").read_text())["count"] == 400


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (("filter=student_wrng",), ["did you mean 'student_wrong_p1'", "id: a filter by hand needs it"]),
        (("id=a", "filter=query", "dataset=x", "dry_run=true"), ["query needs the parameter where"]),
        (("id=a", "filter=student_wrong_p1", "dataset=x"), ["annotation: student_wrong_p1 reads", "dry_run=true"]),
        (("id=a", "filter=all", "dataset=nowhere", "dry_run=true"), ["no pack at nowhere"]),
        (("experiment=board/quickstart",), ["data.rejection: the experiment has none"]),
    ],
)
def test_mistakes(call, words, messages):
    code, _, errors = call(*words)
    assert code == 2
    for message in messages:
        assert message in errors
    assert "Traceback" not in errors
