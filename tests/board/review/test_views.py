import json

import pytest

from railyard.board.review import views
from railyard.board.review.problems import BadRequest, Forbidden, NotFound
from railyard.board.review.views import ViewBody, Views

BODY = ViewBody(where="disagreement=1, entropy>0.5", sort="logit_gap", session="a~b~c", note="worth a look")


@pytest.fixture
def kept(tmp_path):
    return Views(tmp_path / "views", may_write=True)


def test_a_view_is_kept_and_found_again(kept, tmp_path):
    saved = kept.save("Sure and wrong", BODY)
    assert saved == kept.get("Sure and wrong") == Views(tmp_path / "views", may_write=False).get("Sure and wrong")
    assert saved.where == BODY.where
    kept.save("another", ViewBody())
    assert [view.name for view in kept.all()] == ["Sure and wrong", "another"]
    assert kept.save("another", ViewBody(note="new")).note == "new"
    assert len(kept.all()) == 2
    kept.delete("another")
    assert [view.name for view in kept.all()] == ["Sure and wrong"]
    with pytest.raises(NotFound, match="there is no view 'another'"):
        kept.get("another")
    with pytest.raises(NotFound):
        kept.delete("another")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "\\..", "/", "ünï code", "%2e%2e", "x" * 100])
def test_no_name_becomes_part_of_a_path(kept, tmp_path, name):
    kept.save(name, BODY)
    (file,) = tmp_path.rglob("*.json")
    assert file.parent == tmp_path / "views"
    assert len(file.stem) == 32
    assert kept.get(name).name == name


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "\x00", "x" * 101, "\ud800"])
def test_names_that_are_none(kept, name):
    with pytest.raises(BadRequest, match="a view's name has 1 to 100 printable characters"):
        kept.save(name, BODY)


def test_conditions_have_to_be_some(kept):
    with pytest.raises(BadRequest, match="where: "):
        kept.save("a", ViewBody(where="entropy ?? 3"))


@pytest.mark.parametrize("folder", [None, "views"])
def test_servers_that_only_read_refuse(tmp_path, folder):
    reader = Views(folder and tmp_path / folder, may_write=folder is None)
    for change in (lambda: reader.save("a", BODY), lambda: reader.delete("a")):
        with pytest.raises(Forbidden, match="this server only reads"):
            change()
    assert reader.all() == []
    assert not reader.may_write
    with pytest.raises(NotFound):
        reader.get("a")


def test_files_that_are_no_views_are_passed_over(kept, tmp_path, caplog):
    kept.save("a", BODY)
    (tmp_path / "views" / "b.json").write_text("{")
    (tmp_path / "views" / "c.json").write_text(json.dumps({"name": "c"}))
    assert [view.name for view in kept.all()] == ["a"]
    assert "c.json is no view and is passed over" in caplog.text


def test_there_is_a_most(kept, monkeypatch):
    monkeypatch.setattr(views, "MOST_VIEWS", 2)
    for name in ("a", "b"):
        kept.save(name, BODY)
    kept.save("b", ViewBody())
    with pytest.raises(BadRequest, match="2 views are kept already"):
        kept.save("c", BODY)
