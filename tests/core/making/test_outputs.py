import pytest

from railyard.core.errors import UserError
from railyard.core.making.outputs import finished_before, new_file, publish, work_place, write_manifest

ORIGIN = {"kind": "numbers", "n": 3}


@pytest.fixture
def finished(tmp_path):
    work = work_place(tmp_path / "out", ORIGIN)
    (work / "data").mkdir(parents=True)
    (work / "data" / "a").write_text("123")
    write_manifest(work / "data", ORIGIN, counts={"numbers": 3})
    publish(work / "data", tmp_path / "out")
    return tmp_path / "out"


def test_what_is_finished_is_known_by_its_origin_and_its_work_is_tidied_up(finished):
    other = work_place(finished, {"n": 4})
    other.mkdir()
    assert finished_before(finished, ORIGIN, "these numbers")["counts"] == {"numbers": 3}
    assert sorted(path.name for path in finished.parent.rglob("*")) == sorted(
        [".out.partial", other.name, "out", "a", "manifest.json"]
    )
    other.rmdir()
    assert finished_before(finished, ORIGIN, "these numbers")
    assert [path.name for path in finished.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("data", ["124", "12", None])
def test_what_is_finished_and_damaged_is_refused(finished, data):
    (finished / "a").unlink()
    if data:
        (finished / "a").write_text(data)
    with pytest.raises(UserError, match=r"out/a (differs from manifest|is missing although manifest)"):
        finished_before(finished, ORIGIN, "these numbers")


@pytest.mark.parametrize("origin", [{**ORIGIN, "n": 4}, {**ORIGIN, "further": None, "kind": "x"}])
def test_another_origin_is_refused(finished, origin):
    with pytest.raises(UserError, match="exists and is not these numbers: choose another out=, or delete it first"):
        finished_before(finished, origin, "these numbers")


def test_nothing_and_an_empty_folder_are_free_and_a_file_is_not(tmp_path):
    assert finished_before(tmp_path / "none", ORIGIN, "these") is None
    (tmp_path / "empty").mkdir()
    assert finished_before(tmp_path / "empty", ORIGIN, "these") is None
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="exists and is not these"):
        finished_before(tmp_path / "file", ORIGIN, "these")


def test_it_is_published_through_a_link_onto_an_empty_folder(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a").touch()
    publish(tmp_path / "new", tmp_path / "link")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["a"]
    assert (tmp_path / "link").is_symlink()


def test_work_has_one_place_by_any_path_and_another_for_another_origin(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    place = work_place(tmp_path / "real", ORIGIN)
    assert place == work_place(tmp_path / "link", dict(reversed(ORIGIN.items())))
    assert place.parent == tmp_path / ".real.partial"
    assert place != work_place(tmp_path / "real", {**ORIGIN, "n": 4})


def written(out, parts):
    with new_file(out, "these numbers") as add:
        for part in parts:
            add(part)


def test_a_file_is_written_again_with_the_same_bytes_only(tmp_path):
    out = tmp_path / "new" / "numbers"
    for _ in range(2):
        written(out, [b"12", b"3"])
        assert out.read_bytes() == b"123"
    for parts in ([b"12"], [b"1", b"234"], [b"9"]):
        with pytest.raises(UserError, match="numbers exists and is not these numbers: choose another out=, or delete"):
            written(out, parts)
        assert out.read_bytes() == b"123"
    assert [path.name for path in out.parent.iterdir()] == ["numbers"]
    with pytest.raises(UserError, match="new exists and is not these numbers"):
        written(out.parent, [b"1"])


def test_another_file_is_told_before_the_rest_is_made(tmp_path):
    (tmp_path / "out").write_bytes(b"other")
    made = []

    def parts():
        for part in (b"12", b"3"):
            made.append(part)
            yield part

    with pytest.raises(UserError, match="exists and is not"):
        written(tmp_path / "out", parts())
    assert made == [b"12"]
