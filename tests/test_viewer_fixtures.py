"""What the viewer's tests hold it to is what Python says: rules, tiles and scores of games, the grammar of where=."""

import viewer_fixtures


def test_the_viewer_is_held_to_what_python_says():
    for name, text in viewer_fixtures.texts().items():
        kept = (viewer_fixtures.FOLDER / name).read_text()
        assert kept == text, f"{name} is out of date: run python tests/helpers/viewer_fixtures.py"
