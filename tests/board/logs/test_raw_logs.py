import gzip
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railyard.board.logs import raw_logs
from railyard.board.logs.game_meta import BadGame
from railyard.board.logs.raw_logs import find_games, read_game
from railyard.board.logs.step_lines import EXPECTED
from railyard.core.errors import UserError


def read(logs):
    [files] = find_games(logs.folder).games
    return read_game(files)


def refusal(logs):
    with pytest.raises(BadGame) as caught:
        read(logs)
    return caught.value


def test_games_are_ordered_folder_by_folder_and_both_meta_spellings_are_found(logs):
    for stem in ("b", "a/z", "a.z", "a/b/c", "B"):
        logs.game(stem)
    zipped = logs.folder / "a" / "z.meta.json"
    zipped.with_name("z.meta.json.gz").write_bytes(gzip.compress(zipped.read_bytes()))
    zipped.unlink()
    (logs.folder / "notes.json").write_text("{}")
    found = [game.meta.relative_to(logs.folder).as_posix() for game in find_games(logs.folder).games]
    assert found == [
        "B.meta.json",
        "a/b/c.meta.json",
        "a/z.meta.json.gz",
        "a.z.meta.json",
        "b.meta.json",
    ]


def test_a_meta_file_alone_is_no_game(logs):
    logs.game("a")
    lonely = logs.meta("b")
    found = find_games(logs.folder)
    assert [game.meta.name for game in found.games] == ["a.meta.json"]
    assert found.without_steps == [lonely]


def test_a_source_that_is_missing_or_empty_is_refused(logs):
    with pytest.raises(UserError, match=r"nowhere is not a folder: give source="):
        find_games(logs.folder / "nowhere")
    with pytest.raises(UserError, match=r"logs holds no \*\.meta\.json or \*\.meta\.json\.gz: give source="):
        find_games(logs.folder)


def test_columns_of_a_row(logs, step):
    evs = {"up": 1, "left": -2.5, "right": None, "down": 0.0}
    row = step(seed=2**64 - 1, step_index=9, max_rank=200, move="left", branch_evs=evs, future=[1])
    logs.game(rows=[row])
    game = read(logs)
    assert len(game) == 1
    assert game.rows["board"].tolist() == [row["board"]]
    np.testing.assert_array_equal(game.rows["branch_evs"], np.array([[1, 0, -2.5, np.nan]], np.float32))
    assert game.rows["move"].tolist() == [2]
    assert [game.rows["seed"][0], game.rows["step_index"][0], game.rows["max_rank"][0]] == [2**64 - 1, 9, 200]


@pytest.mark.parametrize("absent", [..., None], ids=["missing", "null"])
def test_defaults_of_optional_keys(logs, step, absent):
    optional = ("seed", "step_index", "max_rank", "valuation_type", "branch_evs")
    bare = step(**dict.fromkeys(optional, absent))
    logs.game(rows=[bare, step(step_index=50, seed=1, max_rank=3), bare], seed=2**63, max_rank=6)
    game = read(logs)
    assert game.rows["seed"].tolist() == [2**63, 1, 2**63]
    assert game.rows["step_index"].tolist() == [0, 50, 51]
    assert game.rows["max_rank"].tolist() == [6, 3, 6]
    assert game.valuation_names == ["search"]
    assert np.isnan(game.rows["branch_evs"][0]).all()


def test_without_a_rank_in_the_meta_it_is_zero(logs, step):
    logs.game(rows=[step()])
    assert read(logs).rows["max_rank"].tolist() == [0]


def test_valuation_types_are_numbered_as_they_come(logs, step):
    names = ["zeta", "tuple10", "zeta", "search"]
    logs.game(rows=[step(valuation_type=name) for name in names])
    game = read(logs)
    assert game.valuation_names == ["zeta", "tuple10", "search"]
    assert game.rows["valuation_type"].tolist() == [0, 1, 0, 2]


def test_unknown_branches_are_counted_and_left_out(logs, step):
    rows = [step(branch_evs={"up": 1.0, "diagonal": 2.0}), step(), step(branch_evs={"diagonal": None})]
    logs.game(rows=rows)
    game = read(logs)
    assert game.unknown_branches == {"diagonal": 2}
    np.testing.assert_array_equal(game.rows["branch_evs"][0], np.array([1, np.nan, np.nan, np.nan], np.float32))


def test_blank_lines_are_skipped_and_still_counted(logs, step):
    logs.game(rows=[b"", step(), b" \t", step(), b"{"])
    assert refusal(logs).line == 5
    logs.steps(rows=[b"", step(), b" \t", step()])
    assert read(logs).rows["line"].tolist() == [2, 4]


def test_blocks_do_not_show(logs, step, monkeypatch):
    rows = [step(move=["up", "left"][i % 2], valuation_type=f"t{i % 3}") for i in range(11)]
    rows[5]["step_index"] = 40
    logs.game(rows=rows)
    whole = read(logs)
    monkeypatch.setattr(raw_logs, "BLOCK", 1)
    parts = read(logs)
    assert parts.rows.tobytes() == whole.rows.tobytes()
    assert parts.valuation_names == whole.valuation_names


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"board": ...}, "`board` has to be 16 exponents from 0 to 30, row by row; it is missing"),
        ({"board": [0] * 15}, "`board` has to be 16 exponents"),
        ({"board": 16}, "`board` has to be .*; got 16"),
        ({"board": [0.5] * 16}, "`board` has to be"),
        ({"board": [-1] + [0] * 15}, "`board` has to be"),
        ({"board": [31] + [0] * 15}, r"`board` has to be .* from 0 to 30.*; got \[31, 0"),
        ({"board": [32] + [0] * 15}, r"`board` has to be .* from 0 to 30.*; got \[32, 0"),
        ({"board": [300] + [0] * 15}, "`board` has to be"),
        ({"board": None}, "`board` has to be .*; got None"),
        ({"move": ...}, "`move` has to be one of up, down, left, right; it is missing"),
        ({"move": "north"}, "`move` has to be one of up, down, left, right; got 'north'"),
        ({"move": []}, "`move` has to be"),
        ({"branch_evs": [1, 2, 3, 4]}, "`branch_evs` has to be an object"),
        ({"branch_evs": {"up": "0.5"}}, "`branch_evs` has to be .*; got {'up': '0.5'}"),
        ({"branch_evs": {"up": True}}, "`branch_evs` has to be"),
        ({"branch_evs": {"up": 1e39}}, "`branch_evs` has to be an object of finite numbers"),
        ({"valuation_type": 3}, "`valuation_type` has to be a text; got 3"),
        ({"step_index": 1.0}, "`step_index` has to be a whole number below 2"),
        ({"step_index": -1}, "`step_index` has to be"),
        ({"step_index": 2**32}, "`step_index` has to be"),
        ({"seed": "7"}, "`seed` has to be a whole number below 2"),
        ({"seed": 2**64}, "`seed` has to be"),
        ({"max_rank": 256}, "`max_rank` has to be a whole number below 256; got 256"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line(logs, step, keys, sentence):
    path = logs.game(rows=[step(), step(**keys), step(board=3)])
    bad = refusal(logs)
    assert (bad.path, bad.line) == (path, 2)
    assert re.search(f"game.jsonl.gz, line 2: {sentence}.*; mend the file, or .* on_error=skip$", str(bad))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"move": ', "not valid JSON"),
        (b'{"move": NaN}', "not valid JSON"),
        (b'{"move": "\xff"}', "not valid JSON"),
        (b"{} {}", "not valid JSON"),
        (b"[1]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
    ],
)
def test_a_line_that_is_no_object_is_named(logs, step, line, sentence):
    logs.game(rows=[step(), step(), line])
    bad = refusal(logs)
    assert bad.line == 3
    assert sentence in bad.reason


def test_a_truncated_steps_file_is_refused_with_the_line_it_ends_at(logs, step):
    path = logs.game(rows=[step(seed=i) for i in range(3000)])
    path.write_bytes(path.read_bytes()[:-500])
    bad = refusal(logs)
    assert 1 < bad.line <= 3000
    assert "cannot be read (Compressed file ended" in bad.reason


def test_a_steps_file_that_is_not_gzip_is_refused(logs):
    logs.game().write_bytes(b'{"move": "up"}\n')
    assert "cannot be read (Not a gzipped file" in refusal(logs).reason


def test_a_damaged_steps_file_is_refused(logs, step):
    path = logs.game(rows=[step(seed=i) for i in range(100)])
    data = bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    path.write_bytes(data)
    assert refusal(logs).path == path


@pytest.mark.parametrize("rows", [[], [b"", b" "]], ids=["empty", "blank"])
def test_a_game_without_rows_is_refused(logs, rows):
    logs.game(rows=rows)
    assert refusal(logs).reason == "the game has no rows"


def test_two_meta_files_of_one_game_are_refused(logs):
    logs.game()
    plain = logs.folder / "game.meta.json"
    plain.with_name("game.meta.json.gz").write_bytes(gzip.compress(plain.read_bytes()))
    _, twin = find_games(logs.folder).games
    with pytest.raises(BadGame, match=r"game\.meta\.json beside it describes the same game: delete one"):
        read_game(twin)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from([*EXPECTED, "other"]), value=json_values, at=st.integers(0, 4))
def test_whatever_a_row_holds_it_is_read_or_refused_by_its_line(logs, step, key, value, at):
    rows = [step() for _ in range(5)]
    rows[at] = step(**{key: value})
    logs.game(rows=rows)
    try:
        assert len(read(logs)) == 5
    except BadGame as bad:
        assert bad.line == at + 1  # noqa: PT017
