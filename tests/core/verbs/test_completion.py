"""What a shell is offered at Tab."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import railyard
from railyard.core.verbs import completion
from railyard.core.verbs.completion import candidates
from railyard.core.verbs.table import verbs


def test_verbs_options_groups_and_keys(work):
    assert candidates(["trai"]) == ["train"]
    assert {*verbs(), "help", "completion"} == {*candidates([""])}
    assert candidates(["help", "tokenize"]) == ["tokenize", "tokenizer"] or candidates(["help", "tokenize"]) == [
        "tokenizer",
        "tokenize",
    ]
    assert candidates(["completion", "f"]) == ["fish"]
    assert "--cfg" in candidates(["train", "--"])
    assert {"trainer=cpu", "trainer=gpu"} <= {*candidates(["train", "trainer="])}
    assert candidates(["train", "experiment=board/qui"]) == ["experiment=board/quickstart"]
    assert candidates(["train", "trainer.max_e"]) == ["trainer.max_epochs="]
    assert candidates(["train", "callbacks=none", "callbacks.saver."]) == []
    assert "callbacks.saver.keep=" in candidates(["train", "callbacks.saver."])
    assert candidates(["nothing", "x"]) == []
    assert candidates(["train", "trainer=nope", "see"]) == ["seed="], "beside a mistake the root's keys"


def test_options_of_the_users_are_offered_too(work):
    (work / "conf" / "experiment").mkdir(parents=True)
    (work / "conf" / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 3\n")
    assert candidates(["train", "experiment=mi"]) == ["experiment=mine"]


def test_scripts_are_printed_and_others_named(railyard):
    for shell in completion.SHELLS:
        done = railyard("completion", shell)
        assert (done.code, done.err) == (0, "")
        assert "railyard completion words" in done.out
    for words in ([], ["tcsh"], ["bash", "x"]):
        done = railyard("completion", *words)
        assert (done.code, done.out) == (2, "")
        assert "give one of bash, zsh, fish" in done.err
    assert railyard("completion", "words", "trai").out == "train\n"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_takes_its_script(work):
    source = Path(railyard.__file__).parents[1]
    call = f'{sys.executable} -m railyard "$@"'
    script = f"""
railyard() {{ PYTHONPATH={source} {call}; }}
eval "$(railyard completion bash)"
COMP_LINE="railyard train trainer=d" COMP_POINT=24
_railyard
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["ddp", "ddp_sim", "default"], done.stderr
