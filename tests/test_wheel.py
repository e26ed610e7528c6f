"""The wheel carries conf/ and samples/ and works from a folder elsewhere, without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Built offline from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    flags = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *flags, "-w", str(out), str(ROOT)], check=True, timeout=300)
    (path,) = out.glob("railyard-*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """`installed("train", …)` runs the installed package in an empty folder; the checkout is not on the path."""
    target = tmp_path_factory.mktemp("target")
    flags = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, "--target", str(target), str(wheel)], check=True)
    empty = tmp_path_factory.mktemp("elsewhere")

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-m", "railyard.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=empty, env=environment, timeout=300)

    where = subprocess.run(
        [sys.executable, "-c", "import railyard; print(railyard.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(target)},
    )
    assert where.stdout.startswith(str(target))
    return run


def test_it_carries_every_config_and_sample(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("conf", "samples", "ui/review/dist"):
        files = {f"railyard/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert files
        assert files <= names
    assert not [name for name in names if name.startswith(("tests/", "data/", "outputs/"))]


def test_help(installed):
    done = installed("--help")
    assert done.returncode == 0
    assert "train" in done.stdout


def test_the_samples_become_a_pack_and_the_quickstart_is_checked(installed):
    steps = [
        ["pack", "source=${bundled:samples}/board", "out=data/board/sample"],
        ["tokenizer", "pack=data/board/sample", "out=data/board/tokenizer.json"],
        ["train", "experiment=board/quickstart", "validate_config=true"],
    ]
    for words in steps:
        done = installed(*words)
        assert done.returncode == 0, done.stderr
    assert "parameters" in done.stderr
    assert str(ROOT / "src") not in done.stderr
