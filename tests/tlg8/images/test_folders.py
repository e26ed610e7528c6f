from pathlib import Path

import pytest

from railyard.core.errors import UserError
from railyard.tlg8.images.folders import Source, find, targets


def test_files_are_found_in_the_order_of_their_names(tmp_path):
    for name in ("b.PNG", "a/c.png", "a/.hidden.png", ".git/d.png", "notes.txt", "a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [source.relpath for source in find(tmp_path, (".png",))] == ["a.png", "a/c.png", "b.PNG"]
    assert find(tmp_path / "a.png", (".png",)) == [Source("a.png", tmp_path / "a.png")]


@pytest.mark.parametrize(("name", "reason"), [("empty", "holds no file that ends in .png"), ("gone", "nothing at")])
def test_nothing_found_is_said(name, reason, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=reason):
        find(tmp_path / name, (".png",))


def sources(*names):
    return [Source(name, Path("art", name)) for name in names]


def test_results_keep_their_folders(tmp_path):
    assert targets(sources("a.png", "sub/a.png"), tmp_path, ".tlg8") == {
        "a.png": tmp_path / "a.tlg8",
        "sub/a.png": tmp_path / "sub" / "a.tlg8",
    }


def test_two_sources_of_one_place_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.bmp and a\.png would both become"):
        targets(sources("a.bmp", "a.png"), tmp_path, ".tlg8")


def test_no_link_leads_out(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="leads out of"):
        targets(sources("sub/a.png"), tmp_path / "out", ".tlg8")
