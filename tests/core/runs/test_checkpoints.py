"""The manifest of a folder of checkpoints, as every room reads it."""

import json

import pytest

from railyard.core.errors import UserError
from railyard.core.runs.checkpoints import read_manifest

GOOD = {"schema_version": 1, "last": "step-000000001.ckpt", "files": {"step-000000001.ckpt": {"step": 1, "sha256": ""}}}


def test_what_is_there(tmp_path):
    assert read_manifest(tmp_path) is None
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD))
    assert read_manifest(tmp_path, schema_version=1) == GOOD


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"files": 1}, "files: "),
        ({"files": {"a": {"step": "1", "sha256": ""}}}, "files.a.step: "),
        ({"files": {"a": {"step": -1, "sha256": ""}}}, "files.a.step: "),
        ({"best_value": "x"}, "best_value: "),
        ({"last": ["a"]}, "last: "),
    ],
)
def test_other_types_are_one_sentence(change, says, tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(UserError, match=rf"manifest.json: {says}.*: restore it"):
        read_manifest(tmp_path)
