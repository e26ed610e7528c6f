import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.logs import compiled_lines
from railyard.board.logs.game_meta import BadGame, Meta
from railyard.board.logs.raw_logs import read_block
from railyard.board.logs.raw_row import RAW
from railyard.board.logs.step_lines import StepReader

META = Meta(seed=2**63, num_moves=1, score=1, max_tile=4, max_rank=6)
USUAL = (
    b'{"seed":3001,"step_index":7,"max_rank":2,"move":"left","valuation_type":"search","valuation":0.048,'
    b'"board":[0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,2],"branch_evs":{"up":0.027,"left":0.048,"right":null,"down":-9e-7}}'
)


def reader():
    return StepReader(Path("game.jsonl.gz"), META)


def general(block):
    """What the general reader alone says of a block: rows and all that it learned, or the first bad line."""
    alone = reader()
    lines = [line + b"\n" for line in block.removesuffix(b"\n").split(b"\n")]
    kept = [(line, number) for number, line in enumerate(lines, 1) if not line.isspace()]
    try:
        parts = [alone.read([line], [number]) for line, number in kept]
    except BadGame as bad:
        return bad.line, bad.reason
    rows = np.concatenate(parts) if parts else np.empty(0, RAW)
    return rows.tobytes(), alone.names, alone.next_index, alone.unknown_branches


def both(block):
    """The same of the two readers together."""
    together = reader()
    try:
        parts = list(read_block(block, 1, together))
    except BadGame as bad:
        return bad.line, bad.reason
    rows = np.concatenate(parts) if parts else np.empty(0, RAW)
    return rows.tobytes(), together.names, together.next_index, together.unknown_branches


def understood(block):
    """Number of rows that the compiled reader takes before it stops."""
    return len(compiled_lines.read(np.frombuffer(block, np.uint8), 0, 1, reader())[0])


def test_a_usual_line_is_understood():
    block = USUAL + b"\n"
    assert understood(block) == 1
    [row] = compiled_lines.read(np.frombuffer(block, np.uint8), 0, 5, reader())[0]
    assert (row["line"], row["seed"], row["step_index"], row["max_rank"], row["move"]) == (5, 3001, 7, 2, 2)
    assert row["board"].tolist() == [0] * 7 + [1] + [0] * 7 + [2]
    np.testing.assert_array_equal(row["branch_evs"], np.array([0.027, -9e-7, 0.048, np.nan], np.float32))


@pytest.mark.parametrize(
    "line",
    [
        USUAL.replace(b",", b" ,\t").replace(b":", b"  : ") + b" \r",
        b'{"board":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,30],"move":"down"}',
        b'{"move":"up","future":"text","branch_evs":null,"seed":null,"board":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,9]}',
        b'{"x":null,"y":-1.5E+3,"move":"up","valuation_type":"zeta","board":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,9]}',
    ],
)
def test_other_shapes_that_are_understood(line):
    assert understood(line + b"\n") == 1
    assert both(line + b"\n") == general(line + b"\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.027", b"01.5"),
        (b"0.027", b"1."),
        (b"0.027", b".5"),
        (b"0.027", b"+1"),
        (b"0.027", b"1e"),
        (b"0.027", b"1e23"),
        (b"0.027", b"9007199254740993"),  # 2^53 + 1
        (b"0.027", b"0.1234567890123456789"),
        (b"0.027", b"1e22222"),
        (b"0.027", b"3.5e38"),
        (b"0.027", b"NaN"),
        (b"0.027", b'"0.5"'),
        (b'"left"', b'"l\\u0065ft"'),
        (b'"up":', b'"up":1,"up":'),
        (b'"up":', b'"across":'),
        (b'"seed":3001', b'"seed":3001,"seed":4'),
        (b'"seed":3001', b'"seed":-1'),
        (b'"seed":3001', b'"seed":18446744073709551615'),
        (b'"max_rank":2', b'"max_rank":256'),
        (b'"step_index":7', b'"step_index":4294967296'),
        (b'"step_index":7', b'"step_index":7.0'),
        (b'"search"', '"größe"'.encode()),
        (b'"search"', b'"' + b"n" * 33 + b'"'),
        (b'"valuation":0.048', b'"valuation":[1,{"a":2}]'),
        (b",1,0,", b",31,0,"),
        (b",1,0,", b",true,0,"),
        (b",1,0,", b",0,"),
        (b",1,0,", b",1,0,0,"),
        (b"}}", b"}"),
        (b"}}", b"}},"),
        (b"}}", b"}} {}"),
        (b"{", b"{,"),
        (b"}}", b",}}"),
        (b'"move":"left",', b""),
    ],
)
def test_what_is_not_understood_is_left_to_the_general_reader(old, new):
    block = USUAL + b"\n" + USUAL.replace(old, new, 1) + b"\n" + USUAL + b"\n"
    assert understood(block) == 1
    assert both(block) == general(block)


def test_lines_between_odd_ones_are_understood_again():
    odd = USUAL.replace(b'"left"', b'"l\\u0065ft"')
    block = b"\n".join([USUAL, odd, *[USUAL] * 200, odd, USUAL, b""])
    assert both(block) == general(block)


def test_an_index_that_counts_on_beyond_32_bits_is_refused():
    last = USUAL.replace(b'"step_index":7', b'"step_index":4294967295')
    without = USUAL.replace(b'"step_index":7,', b"")
    assert understood(last + b"\n" + USUAL + b"\n") == 1
    line, reason = both(last + b"\n" + without + b"\n")
    assert (line, reason) == (2, "`step_index` has to be a whole number below 2^32; it is missing")


def test_names_get_their_numbers_in_the_order_they_come_in_by_either_reader():
    names = ["a", "\\u0062", "c", "a", "b", "\u00e9", "d", "c"]
    lines = [USUAL.replace(b"search", name.encode()) for name in names]
    together = reader()
    rows = np.concatenate(list(read_block(b"\n".join(lines) + b"\n", 1, together)))
    assert together.names == {"a": 0, "b": 1, "c": 2, "\u00e9": 3, "d": 4}
    assert rows["valuation_type"].tolist() == [0, 1, 2, 0, 1, 3, 4, 2]


def test_more_names_than_the_table_holds():
    lines = [USUAL.replace(b"search", f"n{i}".encode()) for i in range(300)]
    block = b"\n".join(lines) + b"\n"
    assert understood(block) == 256
    assert both(block) == general(block)


numbers = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.decimals(-20000, 20000, places=6, allow_nan=False).map(str)
    | st.integers(-(2**70), 2**70).map(str)
    | st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
)
texts = st.sampled_from(["search", "tuple10", "up", "zeta", "", "\u00e9", 'q"uote', "tab\t", "n" * 40])
anything = st.recursive(
    numbers | texts.map(json.dumps) | st.sampled_from(["null", "true", "false", "NaN", "nul", ""]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(texts, inner, max_size=2).map(
            lambda items: "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in items.items()) + "}"
        )
    ),
    max_leaves=4,
)
moves = st.sampled_from(["up", "down", "left", "right"])
evs = st.lists(st.tuples(moves | texts, numbers | st.just("null")), max_size=5)
values = {
    "seed": st.integers(0, 2**64).map(str) | st.just("null"),
    "step_index": st.integers(0, 2**32).map(str) | st.just("null"),
    "max_rank": st.integers(0, 256).map(str) | st.just("null"),
    "move": moves.map(json.dumps),
    "valuation_type": texts.map(json.dumps) | st.just("null"),
    "valuation": anything,
    "board": st.lists(st.integers(0, 31), min_size=15, max_size=17).map(json.dumps)
    | st.lists(st.integers(0, 17), min_size=16, max_size=16).map(json.dumps),
    "branch_evs": evs.map(lambda pairs: "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in pairs) + "}"),
    "other": anything,
}


@st.composite
def lines(draw):
    keys = draw(st.permutations(list(values)))
    keys = keys[: draw(st.integers(5, len(keys)))]
    if draw(st.booleans()):
        keys = [*dict.fromkeys([*keys, "move", "board"])]
    pairs = [(key, draw(values[key])) for key in keys]
    if draw(st.integers(0, 9)) == 0:
        pairs.append(draw(st.sampled_from(pairs)))
    if draw(st.integers(0, 9)) == 0:
        pairs[draw(st.integers(0, len(pairs) - 1))] = (draw(st.sampled_from(keys)), draw(anything))
    rng = random.Random(draw(st.integers(0, 2**32)))
    spaces = [""] * 8 + [" ", "  ", "\t", "\r", "\x0b"]
    tokens = ["{"]
    for place, (key, value) in enumerate(pairs):
        tokens += [","] * bool(place) + [json.dumps(key), ":", value]
    tokens.append("}")
    text = "".join(rng.choice(spaces[: 8 + draw(st.integers(0, 4))]) + token for token in tokens)
    if draw(st.integers(0, 19)) == 0:
        cut = draw(st.integers(0, len(text)))
        text = text[:cut] + draw(st.text(max_size=2)).replace("\n", "") + text[cut:]
    return text.encode(errors="replace")


@settings(deadline=None, max_examples=200)
@given(st.lists(lines() | st.sampled_from([b"", b" \t", b"\x0b", USUAL]), min_size=1, max_size=3))
def test_both_readers_say_the_same_of_any_lines(several):
    block = b"".join(line + b"\n" for line in several)
    assert both(block) == general(block)


@settings(deadline=None, max_examples=200)
@given(st.lists(numbers, min_size=1, max_size=4))
def test_numbers_become_the_same_floats(texts):
    pairs = ",".join(f'"{move}":{text}' for move, text in zip(["up", "left", "right", "down"], texts, strict=False))
    block = USUAL[: USUAL.index(b'"branch_evs"')] + b'"branch_evs":{' + pairs.encode() + b"}}\n"
    assert both(block) == general(block)
