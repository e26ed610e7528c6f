import pytest

from railyard.core.errors import UserError
from railyard.stage2.model.describe import describe

pytestmark = pytest.mark.slow


def test_what_show_tells_of_a_model_folder(tmp_path, railyard):
    from tiny_detector import tiny_detector

    from railyard.stage2.model.folders import write

    detector = tiny_detector()
    fingerprint = write(tmp_path / "init", detector)
    facts = describe(tmp_path / "init")
    assert (facts["kind"], facts["fingerprint"]) == ("stage2 model", fingerprint)
    assert sum(facts["parameters"].values()) == sum(weight.numel() for weight in detector.model.parameters())
    assert (facts["hidden"], facts["layers"], facts["coordinates"]) == (64, 2, 1000)
    shown = railyard("show", f"path={tmp_path / 'init'}", "json=true")
    assert shown.code == 0, shown.err
    assert shown.json["kind"] == "stage2 model"

    with (tmp_path / "init/model.safetensors").open("r+b") as file:
        file.seek(5000)
        file.write(b"other")
    with pytest.raises(UserError, match=r"model\.safetensors"):
        describe(tmp_path / "init")
