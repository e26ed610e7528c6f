"""The command: verbs, help, exit codes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from railyard import __version__, cli
from railyard.core.verbs.table import usage, verbs

SLOW_IMPORTS = ("torch", "lightning", "numba", "pydantic", "hydra", "numpy", "pathlib", "importlib.metadata")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_list_of_verbs(railyard, words):
    done = railyard(*words)
    assert done.code == 0
    for name, verb in verbs().items():
        assert f"  {name:<10} {verb.summary}\n" in done.out
    assert done.out.index("all rails") < done.out.index("board")


def test_help_imports_nothing_heavy():
    code = (
        f"import sys; from railyard import cli; cli.main([]); print([m for m in {SLOW_IMPORTS!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env={"PYTHONPATH": _source()}
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def _source():
    return str(Path(cli.__file__).parents[1])


@pytest.mark.parametrize("verb", ["train", "pack"])
def test_help_of_a_verb_by_its_name(railyard, verb):
    assert railyard("help", verb).out == railyard(verb, "--help").out
    assert "did you mean 'train'?" in railyard("help", "trian").err


@pytest.mark.slow
def test_it_is_a_module_too(work):
    (work / "yaml.py").write_text("raise AssertionError('the working directory was searched')")
    command = [sys.executable, "-m", "railyard", "help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=work, env={"PYTHONPATH": _source()}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == usage()


def test_version(railyard):
    assert railyard("--version").out == f"railyard {__version__}\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("trian", "did you mean 'train'?"), ("tokenise", "did you mean 'tokenize'?"), ("xyzzy", "lists the verbs")],
)
def test_an_unknown_verb(railyard, word, hint):
    done = railyard(word)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"railyard: there is no verb '{word}'" + done.err.partition(f"'{word}'")[2]
    assert hint in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("verb", verbs())
def test_a_composed_config_can_be_printed(railyard, verb):
    done = railyard(verb, "--cfg", "job")
    assert done.code == 0
    assert "json: false" in done.out


def test_a_mistake_exits_with_2_and_says_nothing_on_standard_output(railyard):
    done = railyard("pack", "source=nowhere", "out=x")
    assert (done.code, done.out) == (2, "")
    assert "nowhere" in done.err


@pytest.mark.parametrize("flags", [pytest.param(["-P"], marks=pytest.mark.slow), []], ids=["safe path", "plain"])
def test_no_module_of_the_working_directory_is_imported_unasked(flags, tmp_path):
    """Hydra looks for plugins, and torch for optional packages, wherever Python looks."""
    for name in ("mpi4py", "torch_xla", "hydra_plugins/evil", "yaml"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("open('imported', 'w')\n")
    command = [sys.executable, *flags, "-m", "railyard.cli", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exits_with_130(tmp_path, number):
    """The verb is interrupted once its work folder is there, long before its end."""
    words = ["scenes", "kind=shapes", "out=out", "n=1000000", "workers=1"]
    command = [sys.executable, "-m", "railyard.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        while not any(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "railyard scenes: interrupted"
