"""Search spaces in Hydra's grammar: what each means, and one sentence for what means nothing."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from railyard.core.sweeping.space import Choice, Interval, Steps, read_axes


def parsed(*words):
    return [OverridesParser.create().parse_override(word) for word in words]


def axis(text):
    axes, faults = read_axes(parsed(f"k={text}"))
    assert not faults
    return axes["k"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval(0, 1)", Interval(0.0, 1.0)),
        ("tag(log, interval(1e-4, 1e-2))", Interval(1e-4, 1e-2, log=True)),
        ("int(interval(4, 64))", Interval(4, 64, whole=True)),
        ("tag(log, int, interval(4, 64))", Interval(4, 64, log=True, whole=True)),
        ("range(1, 10, step=2)", Steps(1, 9, 2)),
        ("range(3)", Steps(0, 2, 1)),
        ("range(0.0, 1.0, 0.25)", Steps(0.0, 0.75, 0.25)),
        ("range(0.0, 0.3, 0.1)", Steps(0.0, 0.2, 0.1)),
        ("64,128", Choice(("64", "128"))),
        ("choice(64, 128)", Choice(("64", "128"))),
        ("choice([1,2], {x: 1}, 'a b', true)", Choice(("[1,2]", "{x:1}", "a\\ b", "True"))),
    ],
)
def test_an_axis(text, expected):
    assert axis(text) == expected


@pytest.mark.parametrize("text", ["range(1, 10, step=2)", "range(0.0, 0.3, 0.1)", "range(0.0, 1.0, 0.25)", "range(7)"])
def test_a_range_ends_where_hydras_does(text):
    points = [float(word) for word in parsed(f"k={text}")[0].sweep_string_iterator()]
    found = axis(text)
    assert (found.low, found.high) == (points[0], pytest.approx(points[-1]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("interval(5, 1)", "an interval goes from a smaller to a larger number, got 5 and 1"),
        ("interval(0, inf)", "an interval goes from a smaller to a larger number, got 0 and inf"),
        ("tag(log, interval(0, 1))", "on a log axis both ends are above 0, got 0"),
        ("tag(int, interval(0.5, 4))", "an interval of whole numbers has whole ends, got 0.5 and 4"),
        ("tag(lgo, interval(1, 4))", "the tags are float, int, log, got lgo"),
        ("tag(log, range(1, 4))", "log goes with an interval, as in tag(log, interval(1e-4, 1e-2))"),
        ("tag(log, choice(1, 4))", "log goes with an interval, as in tag(log, interval(1e-4, 1e-2))"),
        ("range(4, 4)", "a range goes up from a start to before a stop, got 4 to 4 by 1"),
        ("range(4, 1, -1)", "a range goes up from a start to before a stop, got 4 to 1 by -1"),
        ("choice(1, 2, 1)", "1 stands in it more than once"),
    ],
)
def test_a_bad_axis_is_one_sentence_with_key_value_and_what_is_allowed(text, reason):
    axes, faults = read_axes(parsed("good=1,2", f"model.x={text}"))
    assert list(axes) == ["good"]
    assert [(fault.key, fault.message) for fault in faults] == [(("model.x",), f"{text} is no search space: {reason}")]


def test_a_later_word_replaces_an_earlier_one_and_prefixes_stay():
    axes, _ = read_axes(parsed("a=1,2", "+b=1,2", "a=3,4"))
    assert axes == {"a": Choice(("3", "4")), "+b": Choice(("1", "2"))}
