import subprocess
import sys
from pathlib import Path

import railyard as package


def shell(line, tmp_path):
    environment = {"PYTHONPATH": str(Path(package.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    command = line.replace("railyard", f"{sys.executable} -P -m railyard.cli")
    return subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_reader_that_has_gone_and_a_closed_output_are_no_traceback(tmp_path):
    assert shell("railyard | true; exit ${PIPESTATUS:-0}", tmp_path).stderr == ""
    closed = shell("railyard >&-", tmp_path)
    assert (closed.returncode, closed.stderr) == (0, "")
    full = shell("railyard runs root=. >/dev/full", tmp_path)
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    bare = shell("railyard --version >/dev/full", tmp_path)
    assert (bare.returncode, bare.stderr) == (
        1,
        "railyard: standard output cannot be written: No space left on device\n",
    )
