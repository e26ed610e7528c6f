import huggingface_hub
import pytest

from railyard.core.errors import UserError
from railyard.stage2.model.hub import FILES, download


def test_only_weights_and_json_of_the_revision_are_fetched(monkeypatch, tmp_path):
    calls = []

    def fake(name, **keys):
        calls.append((name, keys))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake)
    assert download("a/b", "v1") == tmp_path
    assert calls == [("a/b", {"revision": "v1", "allow_patterns": list(FILES)})]
    assert not [pattern for pattern in FILES if "py" in pattern or "bin" in pattern]


def test_what_cannot_be_had_is_one_sentence(monkeypatch):
    def fake(name, **keys):
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake)
    with pytest.raises(UserError, match=r"a/b at revision v1 cannot be had from the hub \(no network\)"):
        download("a/b", "v1")
