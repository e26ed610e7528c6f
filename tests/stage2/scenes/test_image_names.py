import pytest

from railyard.stage2.scenes.image_names import checked, is_there


@pytest.mark.parametrize("name", ["a.png", "images/a.png", "./a.png", "..a.png", "a b/ü..png"])
def test_names_below_the_folder(name):
    assert checked(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/etc/passwd", "named relative"),
        ("a.png\0", "named relative"),
        ("../a.png", "or below it, got '../a.png'"),
        ("a/../../b.png", "or below it"),
        ("a/..", "or below it"),
    ],
)
def test_names_that_lead_elsewhere(name, says):
    with pytest.raises(ValueError, match=says):
        checked(name)


def test_what_is_there(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    assert is_there(tmp_path / "a.png")
    for name in ("", "b.png", "a.png/c.png", "x" * 5000):
        assert not is_there(tmp_path / name)
