"""Work that lies around is found, with what it is and what to do about it."""

import pytest

from railyard.core.making.outputs import work_place
from railyard.core.making.unfinished import unfinished
from railyard.core.making.work_folder import work_folder


def test_work_is_listed_until_it_is_finished(tmp_path):
    origin, out = {"kind": "pack"}, tmp_path / "data" / "board" / "sample"
    during = {}

    def begin_and_stop():
        with work_folder(out, origin) as folder:
            (folder / "rows").write_bytes(bytes(3 * 2**20))
            during.update(unfinished(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin_and_stop()
    assert [*during.values()] == ["sample, 3.0 MiB: another process works in it"]
    name = str(work_place(out, origin).relative_to(tmp_path))
    advice = "the command that began it goes on from here, or delete it"
    assert unfinished(tmp_path) == {name: f"sample (pack), 3.0 MiB: {advice}"}
    (tmp_path / name / "origin.json").write_text("{")
    assert unfinished(tmp_path) == {name: f"sample, 3.0 MiB: {advice}"}
    with work_folder(out, origin):
        pass
    assert unfinished(tmp_path) == {}
