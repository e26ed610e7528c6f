"""docs/tlg8_conformance.md: every rule of the source has a row, and every test that a row names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from railyard.tlg8.ranking.inputs import inputs_of
from railyard.tlg8.training.search_config import Search

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tlg8_conformance.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]
# what the source names beside its rules
SCRIPTS = ("make_bits_sidecar", "dataset_builder", "train_rankers", "infer_rankers", "eval_rankers")
RELAXED = ("train_reranker", "infer_reranker", "eval_reranker", "promote_bundle")


@cache
def names_in(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_rule_has_a_row_with_a_command_and_a_proof():
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 77)]
    for row in ROWS:
        assert len(row) == 4, row
        assert row[2].startswith("`"), row
        proofs = row[3].split(", ")
        assert all(re.fullmatch(r"`tests/[a-z0-9_/]+\.py::test_\w+`", each) for each in proofs), row


def test_every_script_flag_and_contradiction_of_the_source_is_there():
    assert [name for name in (*SCRIPTS, *RELAXED) if f"ml/{name}.py" not in PAGE] == []
    assert [word for word in ("--smoke", "--topk", "--eval-topn", "--run-id", "compileall") if word not in PAGE] == []
    assert sum(row[1].startswith("contradiction: ") for row in ROWS) == 2


def test_every_test_that_is_named_exists():
    named = re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE)
    assert [name for name in named if name.partition("::")[2] not in names_in(name.partition("::")[0])] == []


def test_the_strict_recipe_stops_by_loss_and_keeps_the_best_hit_rate():
    callbacks = yaml.safe_load((ROOT / "conf" / "experiment" / "tlg8" / "strict.yaml").read_text())["callbacks"]
    assert callbacks["early_stopping"]["monitor"] == "val/loss"
    assert (callbacks["saver"]["monitor"], callbacks["saver"]["mode"]) == ("val/hit@32", "max")


def test_every_source_file_compiles():
    for path in (ROOT / "src" / "railyard" / "tlg8").rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), path, "exec")


def test_pixels_are_divided_by_255():
    features, known = np.array([[2.5, 0]], np.float32), np.array([[True, False]])
    inputs = inputs_of(features, known, np.full((1, 192), 51, np.uint8))
    np.testing.assert_array_equal(inputs, [[*[np.float32(0.2)] * 192, 2.5, np.nan]])


def test_a_search_is_strict_unless_told():
    assert Search.model_fields["mode"].default == "strict"
