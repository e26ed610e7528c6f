"""docs/stage2_conformance.md: every line of the contract has a row, and every test that a row names exists."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "stage2_conformance.md").read_text(encoding="utf-8")
LINES, SCENARIOS, OPTIONAL = (
    [line.strip("|").split(" | ") for line in PAGE.splitlines() if re.match(rf"\| {kind}\d+ \|", line)]
    for kind in ("", "S", "O")
)
NAMED = re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE)


@cache
def names_in(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def numbers(rows):
    return [row[0].strip() for row in rows]


def test_every_line_of_the_contract_has_a_row():
    assert numbers(LINES) == [str(number) for number in range(1, 80)]
    assert sum(int(times) for _, _, times, _ in LINES) == 88


def test_every_scenario_has_a_row():
    assert numbers(SCENARIOS) == [f"S{number}" for number in range(1, 17)]


def test_lines_that_leave_a_choice_are_counted_too():
    assert numbers(OPTIONAL) == [f"O{number}" for number in range(1, 9)]
    assert [sum(int(row[column]) for row in OPTIONAL) for column in (2, 3)] == [2, 7]


def test_every_row_has_a_proof():
    for row in (*LINES, *SCENARIOS, *OPTIONAL):
        for proof in row[-1].strip().split(", "):
            assert re.fullmatch(r"`tests/stage2/[a-z0-9_/]+\.py::test_\w+`", proof), row


def test_every_test_that_is_named_exists():
    missing = [name for name in NAMED if name.partition("::")[2] not in names_in(name.partition("::")[0])]
    assert missing == []
