import json

import pytest

from railyard.board.packs.valuations import ValuationIds, read_valuation_names
from railyard.core.errors import UserError


@pytest.fixture
def names_file(tmp_path):
    def write(value):
        path = tmp_path / "valuation_types.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


def test_the_base_names_come_first_and_others_follow_as_they_come(tmp_path):
    ids = ValuationIds()
    assert ids.of(["zeta", "tuple10", "alpha"]) == [3, 2, 4]
    assert ids.of(["alpha", "search"]) == [4, 0]
    path = tmp_path / "valuation_types.json"
    ids.write(path)
    assert path.read_text() == ('{\n  "search": 0,\n  "tuple11": 1,\n  "tuple10": 2,\n  "zeta": 3,\n  "alpha": 4\n}\n')
    assert read_valuation_names(path) == ("search", "tuple11", "tuple10", "zeta", "alpha")


def test_a_pack_holds_256_names():
    ids = ValuationIds()
    assert ids.of(map(str, range(253)))[-1] == 255
    with pytest.raises(UserError, match="257 valuation types, a pack holds at most 256"):
        ids.of(["one more"])


def test_names_to_ids_are_read_as_such_whatever_the_order(fixtures):
    # read the other way round, tuple10 and tuple11 change places: id 1 is tuple11
    names = read_valuation_names(fixtures / "17_pack_left" / "valuation_types.json")
    assert names == ("search", "tuple11", "tuple10", "zeta_plan")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"0": "search", "1": "tuple11"}, "maps ids to names; expected an object of names to ids"),
        (["search", "tuple11"], "does not hold a JSON object"),
        ({"search": 0, "tuple10": 2}, r"has 2 ids \(0, 2\); expected at most 256, 0, 1, 2, … without a gap"),
        ({"search": 0, "tuple10": 0}, r"has 2 ids \(0, 0\)"),
        ({"search": 1}, r"has 1 ids \(1\)"),
        ({"search": -1, "tuple10": 0}, r"has 2 ids \(-1, 0\)"),
        ({}, r"has 0 ids \(\)"),
        ({"search": 0.0}, "has an id that is not a whole number"),
        ({"search": True}, "has an id that is not a whole number"),
        ({str(i): i for i in range(257)}, r"has 257 ids \(0, 1, 2, 3, 4, 5, 6, 7, …\)"),
        ("{", "is not valid JSON"),
    ],
)
def test_other_files_are_refused(names_file, value, sentence):
    with pytest.raises(UserError, match=rf"valuation_types\.json {sentence}") as caught:
        read_valuation_names(names_file(value))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"valuation_types\.json is missing: .*restore it"):
        read_valuation_names(tmp_path / "valuation_types.json")
