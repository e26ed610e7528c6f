"""Where the entries of a rollout's outermost JSON object lie, in text that need not be JSON.

Used by `parsing.py`, and by `objective/stop.py` for the outermost close. Regular expressions consume strings and
punctuation, so the Python loop runs once per mark, not once per byte.

What a text means is settled left to right and never taken back: an object that closed stays as it is, whatever
follows. Text before the first `{` and after the outermost `}` is ignored. A `}` closes the innermost `{`, along with
every `[` opened in it.
"""

import re
from dataclasses import dataclass
from enum import Enum

Span = tuple[int, int]

_OPEN, _CLOSE, _COLON, _COMMA, _LIST, _LIST_END = b"{}:,[]"

# what a string holds after its first quote; where the text ends inside, that is all the rest
STRING_REST = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_STRING = rb'"' + STRING_REST + rb'(?:"|\\?\Z)'
_MARK = re.compile(rb'"(' + STRING_REST + rb')(?:(")|\\?\Z)|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_COLON_FOLLOWS = re.compile(rb"\s*+:")
# strings are consumed one after the other, each with its value if that is a string, so that no match begins inside
# another string; one that is cut takes the rest of the text
_MEMBER = re.compile(rb'"(%b)(?:"(?:\s*+:\s*+"(%b)")?+|\\?\Z)' % (STRING_REST, STRING_REST), re.DOTALL)
_NEXT_BRACE = re.compile(rb'[^"{}]*+(?:' + _STRING + rb'[^"{}]*+)*+([{}])', re.DOTALL)


@dataclass(slots=True)
class Entry:
    """A key of the outermost object, as spelled. `body`: its value if an object; `cut`: the text ended before."""

    key: bytes
    body: Span | None = None
    cut: bool = False


@dataclass(frozen=True)
class Scan:
    """Entries in order of appearance; whether the outermost object closed; the place after its last whole object.

    `prefix` is the place after the first `{` where no object is whole, 0 where there is no `{`.
    """

    entries: tuple[Entry, ...]
    closed: bool
    prefix: int


class _Expects(Enum):
    """What may come next in the outermost object; COMMA skips what is no entry, up to a comma or another key."""

    KEY = 1
    COLON = 2
    VALUE = 3
    COMMA = 4


# looked up once: an enum's attributes took more than a quarter of a scan's time
_KEY_NEXT, _COLON_NEXT, _VALUE_NEXT, _COMMA_NEXT = _Expects


def scan(text: bytes) -> Scan:
    """The entries of the first object in a text. Raises nothing; time is linear in the text."""
    at = prefix = text.find(b"{") + 1
    entries: list[Entry] = []
    expects, lists, closed = _KEY_NEXT, 0, False
    while at and (mark := _MARK.search(text, at)):
        at, byte = mark.end(), text[mark.start()]
        if closed := byte == _CLOSE:
            break
        if byte == _OPEN:
            close = _close(text, mark.start())
            body = (mark.start(), close + 1) if close >= 0 else None
            at = body[1] if body else len(text)
            if expects is _VALUE_NEXT and not lists:
                entries[-1].body, entries[-1].cut = body, body is None
                prefix = at if body else prefix
        if byte in (_LIST, _LIST_END):
            lists = max(lists + (1 if byte == _LIST else -1), 0)
        # where a comma is missing, a string followed by a colon is a key
        is_key = mark[2] is not None and (expects is _KEY_NEXT or _COLON_FOLLOWS.match(text, at) is not None)
        expects = _COMMA_NEXT if lists else _after(expects, byte, is_key)
        if expects is _COLON_NEXT:
            entries.append(Entry(mark[1]))
    if not closed and expects in (_COLON_NEXT, _VALUE_NEXT):
        entries[-1].cut = True
    return Scan(tuple(entries), closed, prefix)


def _after(expects: _Expects, byte: int, is_key: bool) -> _Expects:
    if byte == _COMMA:
        return _KEY_NEXT
    if is_key and expects in (_KEY_NEXT, _COMMA_NEXT):
        return _COLON_NEXT
    return _VALUE_NEXT if expects is _COLON_NEXT and byte == _COLON else _COMMA_NEXT


def outermost_close(text: bytes) -> int:
    """The place of the `}` that closes the first `{`, -1 where there is none."""
    return _close(text, max(text.find(b"{"), 0))


def desc_spans(text: bytes) -> list[Span]:
    """Places [start, end) of the values of `"desc"` at any depth, without their quotes; none for a cut or other value.

    For texts from elsewhere: `language/encoding.py` returns those of the targets it builds.
    """
    members = _MEMBER.finditer(text)
    return [member.span(2) for member in members if member[1] == b"desc" and member[2] is not None]


def _close(text: bytes, start: int) -> int:
    depth, at = 0, start
    while brace := _NEXT_BRACE.match(text, at):
        at = brace.end()
        depth += 1 if text[at - 1] == _OPEN else -1
        if not depth:
            return at - 1
    return -1
