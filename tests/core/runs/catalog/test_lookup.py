"""A run by path, by the beginning of its name and by its id."""

import pytest

from railyard.core.errors import UserError
from railyard.core.runs.catalog.lookup import run_folder

A, B = "2026-11-10T10-00-00Z_04364b", "2026-11-10T11-00-00Z_27ead7"


def test_by_path_name_beginning_and_id(make, tmp_path):
    folder, other = make(f"train/none/{A}"), make(f"train/x/y/{B}/3")
    root = tmp_path / "outputs"
    assert run_folder(str(folder), root / "nowhere") == folder
    for name in (A, "2026-11-10T10", "0436"):
        assert run_folder(name, root) == folder
    assert run_folder("27ead7/3", root) == other


def test_none_and_several(make, tmp_path):
    make(f"train/none/{A}")
    make(f"train/none/{B}")
    with pytest.raises(UserError, match="beginning of 2 runs"):
        run_folder("2026", tmp_path / "outputs")
    for name in ("2027", "", "../outputs"):
        with pytest.raises(UserError, match=r"no run below|beginning of"):
            run_folder(name, tmp_path / "outputs")
    with pytest.raises(UserError, match="no run below"):
        run_folder(A, tmp_path / "nowhere")
