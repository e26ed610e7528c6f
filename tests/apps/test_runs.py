"""`railyard runs` from the command line."""

import pytest

from railyard.core.runs import run_state
from railyard.core.runs.folder import write_config


@pytest.fixture
def three(work):
    for number in range(3):
        folder = work / "outputs" / "train" / "none" / f"2026-11-1{number}T10-00-00Z_{number}{number}aaaa"
        folder.mkdir(parents=True)
        write_config(folder, {"seed": number, "tags": []})
        run_state._write(folder, "finished", result={"steps": 3, "metrics": {"val/loss": 1.0 + number}})
    return work


def test_a_query_needs_one_pair_of_quotes(railyard, three):
    done = railyard("runs", "where=val/loss<2.5 and seed!=0", "columns=[name,val/loss]", "limit=1")
    assert done.out.splitlines() == ["name                         val/loss", "2026-11-11T10-00-00Z_11aaaa  2"]


def test_what_the_limit_leaves_out_is_counted(railyard, three):
    assert railyard("runs", "limit=1").out.splitlines()[-1] == "2 more; limit=null shows them"


def test_json_gives_full_records(railyard, three):
    result = railyard("runs", "json=true", "sort=seed").json
    assert result["found"] == 3
    assert result["runs"][2]["details"] == {"seed": 2, "tags": [], "val/loss": 3.0}


def test_a_comparison(railyard, three):
    done = railyard("runs", "compare=[00a, 2026-11-11]", "out=difference")
    assert done.code == 0, done.err
    assert "seed    0                            1" in done.out
    assert (three / "difference" / "comparison.md").is_file()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["where=seed=>1"], "no operator '=>'"),
        (["where=sed=1"], "did you mean 'seed'?"),
        (["compare=[00a]"], "two runs or more"),
        (["compare=[00a,zz]"], "no run below outputs is called 'zz'"),
        (["out=x"], "goes with compare="),
        (["root=nowhere"], "no folder nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(railyard, three, words, reason):
    done = railyard("runs", *words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
