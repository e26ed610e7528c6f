"""The steps of the Containerfile, run one by one in a fresh environment below a temporary folder; no image is built.

What a network would give comes from this environment: packages are seen through a .pth file, and pip builds offline.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STEPS = [
    match.groups()
    for match in re.finditer(r"^([A-Z]+) (.+)$", (ROOT / "Containerfile").read_text().replace("\\\n", " "), re.M)
]
NEEDS_ROOT = ("useradd",)


def of_kind(kind):
    return [what for name, what in STEPS if name == kind]


def test_what_is_copied_is_in_the_checkout():
    for step in of_kind("COPY"):
        *sources, _ = step.split()
        for source in sources:
            assert (ROOT / source).exists(), source


def test_it_runs_as_nobody_in_particular_and_shows_review_by_default():
    assert of_kind("USER") == ["railyard"]
    assert of_kind("ENTRYPOINT") == ['["/opt/venv/bin/railyard"]']
    (command,) = of_kind("CMD")
    assert command.startswith('["review"')
    assert "token_file=/run/token" in command


@pytest.mark.slow
def test_its_steps_make_an_environment_with_both_commands(tmp_path):
    inside = tmp_path / "opt"
    here = inside / "railyard"
    here.mkdir(parents=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def placed(text):
        return text.replace("/opt/", f"{inside}/")

    for kind, what in STEPS:
        if kind == "COPY":
            *sources, target = what.split()
            for source in sources:
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, here / target / ("" if target != "./" else source))
        elif kind == "RUN" and not what.startswith(NEEDS_ROOT):
            words = shlex.split(placed(what))
            if words[0] == "python":
                words[0] = sys.executable
            if "install" in words:
                site = next((inside / "venv" / "lib").glob("python*/site-packages"))
                (site / "outside.pth").write_text(sysconfig.get_path("purelib"))
                words = [*words[:2], "--no-deps", "--no-index", "--no-build-isolation", "--quiet", words[-1]]
                words[-1] = str(here) + words[-1].removeprefix(".")
            subprocess.run(words, cwd=here, env=environment, check=True, timeout=600, capture_output=True)
    railyard = inside / "venv" / "bin" / "railyard"
    for verb in ("review", "serve"):
        done = subprocess.run(
            [railyard, verb, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert "token_file" in done.stdout
    where = [inside / "venv" / "bin" / "python", "-c", "import railyard; print(railyard.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(inside))
