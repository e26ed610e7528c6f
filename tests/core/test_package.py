"""The installed package: its version is the project's, and its folders are found in a checkout and in a wheel."""

import hashlib
import tomllib
from pathlib import Path

from railyard.core import package

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == package.__version__


def test_versions_of_others():
    assert package.version_of("hydra-core") == "1.3.8"
    assert package.version_of("surely-not-installed") is None


def test_the_folders_of_a_checkout():
    assert Path(package.bundled("conf")) == ROOT / "conf"


def test_the_folders_of_a_wheel_lie_inside(tmp_path, monkeypatch):
    (tmp_path / "samples").mkdir()
    monkeypatch.setattr(package, "FOLDER", str(tmp_path))
    assert package.bundled("samples") == str(tmp_path / "samples")


def test_the_hash_of_the_source_is_that_of_names_and_bytes():
    digest, source = hashlib.sha256(), ROOT / "src" / "railyard"
    for path in sorted(source.rglob("*.py")):
        digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    assert package.source_hash() == digest.hexdigest() == package.source_hash()
