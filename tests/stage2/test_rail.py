"""What stage2 gives the verbs that rails share: nothing of it is read while no key of a config is its own."""

import subprocess
import sys

from railyard.core import rail
from railyard.stage2 import settings
from railyard.stage2.rail import RAIL


def test_its_root_keys_are_those_of_its_settings():
    assert RAIL.keys == settings.OWN
    assert RAIL.concerns({"stage2_ab": {}})
    assert not RAIL.concerns({"custom": {"coord_loss": 1}})


def test_its_settings_are_read_only_where_a_key_of_theirs_stands():
    code = """if True:
        import sys
        from railyard.core import rail
        assert rail.of({"data": {"_target_": "railyard.board.training.config.PackData"}}).package == "railyard.board"
        assert not {"railyard.stage2.settings", "railyard.board.training"} & set(sys.modules)
        assert rail.of({"stage2_ab": {}}).package == "railyard.stage2"
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_scenes_are_told_by_their_file(tmp_path):
    scenes, _ = RAIL.artifacts
    assert not scenes.fits(tmp_path)
    (tmp_path / "scenes.jsonl").touch()
    assert scenes.fits(tmp_path)
    assert scenes.fits(tmp_path / "scenes.jsonl")


def test_keys_of_its_own_are_read_beside_those_of_every_run():
    assert [*RAIL.sections().model_fields] == ["stage2_ab", "custom"]
    assert rail.of({"custom": 3}) is RAIL
