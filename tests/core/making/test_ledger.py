import hashlib
import json

import pytest

from railyard.core.errors import UserError
from railyard.core.making.ledger import LEDGER, open_ledger

KIND, SETTINGS = "copied letters", {"loud": True}


def note(out, name="a"):
    with open_ledger(out, KIND, SETTINGS) as ledger:
        (out / name).write_text(name)
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        ledger.note({"relpath": name, "source_sha256": "of the source", "sha256": sha256})


def done(out, source="of the source"):
    with open_ledger(out, KIND, SETTINGS) as ledger:
        return ledger.done("a", source, out / "a")


def test_a_file_is_done_as_long_as_it_and_its_source_are_the_same(tmp_path):
    note(tmp_path / "out")
    note(tmp_path / "out", "b")
    assert done(tmp_path / "out")["relpath"] == "a"
    assert done(tmp_path / "out", "another") is None
    (tmp_path / "out" / "a").write_text("A")
    assert done(tmp_path / "out") is None
    (tmp_path / "out" / "a").unlink()
    assert done(tmp_path / "out") is None


def test_a_ledger_says_what_the_folder_holds(tmp_path):
    note(tmp_path)
    first = json.loads((tmp_path / LEDGER).read_text().splitlines()[0])
    assert (first["ledger_version"], first["kind"], first["settings"]) == (1, KIND, SETTINGS)


@pytest.mark.parametrize(("kind", "settings"), [("other", SETTINGS), (KIND, {"loud": False})])
def test_a_folder_of_something_else_is_refused(tmp_path, kind, settings):
    note(tmp_path / "out")
    with (
        pytest.raises(UserError, match=r"was begun as copied letters with \{'loud': True\}, this is"),
        open_ledger(tmp_path / "out", kind, settings),
    ):
        pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").touch()
    with (
        pytest.raises(UserError, match="exists and is not a folder of"),
        open_ledger(tmp_path / "mine", kind, settings),
    ):
        pass
