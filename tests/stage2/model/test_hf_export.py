import pytest

from railyard.core.errors import RailyardError, UserError
from railyard.stage2.model import files, folders, hf_export


@pytest.fixture(scope="module")
def init(tmp_path_factory):
    from tiny_detector import tiny_detector

    folder = tmp_path_factory.mktemp("run") / "init"
    folders.write(folder, tiny_detector())
    return folder


def test_what_is_exported_is_the_model_and_nothing_is_done_twice(init, tmp_path):
    from transformers import Qwen3VLForConditionalGeneration

    result = hf_export.export_hf(init, tmp_path / "out", ["export"])
    assert result["largest_difference"] < 1e-5
    assert files.fingerprint(tmp_path / "out") == files.fingerprint(init) == result["fingerprint"]
    assert {"provenance.json", "chat_template.jinja", "preprocessor_config.json"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    Qwen3VLForConditionalGeneration.from_pretrained(tmp_path / "out")
    assert hf_export.export_hf(init, tmp_path / "out", ["export"])["already_there"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_model_that_differs_is_not_written(init, tmp_path, monkeypatch):
    plain = hf_export._plain
    monkeypatch.setattr(hf_export, "_plain", lambda *args: plain(*args) + 0.1)
    with pytest.raises(RailyardError, match=r"differs from the run's by 0\.1"):
        hf_export.export_hf(init, tmp_path / "out", ["export"])
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_kind_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 64}')
    with pytest.raises(UserError, match="but one of another rail"):
        hf_export.export_hf(tmp_path, tmp_path / "out", ["export"])
