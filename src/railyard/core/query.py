"""The grammar of `where=`: `experiment=board/quickstart, model.optimizer.lr>1e-3 and tag=x`.

Conditions are joined by commas or `and`; all must hold. Text is parsed into `Condition`s, never evaluated.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from railyard.core.errors import UserError, nearest

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
KNOWN = ("=", "!=", "~", *OPERATORS)
ALIASES = {"tag": "tags"}
ORDERED_TEXT = ("when", "name")
WORDS = {"true": True, "false": False, "null": None}

LONGEST_WHOLE = 300  # characters; columns cannot be compared with whole numbers that are beyond every float

_CONDITION = re.compile(
    r"""\s*(?P<key>[^\s,=!<>~'"]+)\s*(?P<operator>[=!<>~]+)\s*
        (?:(?P<quote>['"])(?P<text>.*?)(?P=quote)|(?P<word>[^\s,'"=<>~]+(?:\s+(?!and\b)[^\s,'"=<>~]+)*))\s*""",
    re.VERBOSE,
)
_JOINT = re.compile(r"(,|and\b|$)")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Condition:
    """`value` is a number, a truth value, null, or text."""

    key: str
    operator: str
    value: Any

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a run with these values meets it; one that lacks the key meets `!=` only."""
        if self.key not in values:
            return self.operator == "!="
        found = values[self.key]
        if self.operator == "!=":
            return not _any(found, self._equals)
        if self.operator == "=":
            return _any(found, self._equals)
        return _any(found, self._contains if self.operator == "~" else self._compares)

    def _equals(self, found: Any) -> bool:
        if _is_number(found) and _is_number(self.value):
            return bool(found == self.value)
        return _text(found) == _text(self.value)

    def _contains(self, found: Any) -> bool:
        return _text(self.value).casefold() in _text(found).casefold()

    def _compares(self, found: Any) -> bool:
        both_numbers = _is_number(found) and _is_number(self.value)
        both_text = isinstance(found, str) and isinstance(self.value, str)
        return (both_numbers or both_text) and OPERATORS[self.operator](found, self.value)


def parse(text: str | None) -> list[Condition]:
    """The conditions of a query; none for null. Raises UserError that shows where the text cannot be read."""
    found: list[Condition] = []
    rest = (text or "").strip()
    while rest:
        match = _CONDITION.match(rest)
        if match is None:
            raise UserError(f"where: '{rest}' is not of the form key=value; {_help()}")
        found.append(_condition(match))
        joint = _JOINT.match(rest, match.end())
        if joint is None:
            raise UserError(f"where: after '{match[0].strip()}' expected a comma or 'and', got '{rest[match.end() :]}'")
        rest = rest[joint.end() :].strip()
        if joint[0] and not rest:
            raise UserError(f"where: expected another condition after '{joint[0]}' at the end")
    return found


def _condition(match: re.Match[str]) -> Condition:
    operator = {"==": "="}.get(match["operator"], match["operator"])
    if operator not in KNOWN:
        raise UserError(f"where: there is no operator '{operator}'{nearest(operator, KNOWN)}; {_help()}")
    value = match["text"] if match["quote"] else typed(match["word"].strip())
    key = ALIASES.get(match["key"], match["key"])
    if operator in OPERATORS and not _is_number(value) and key not in ORDERED_TEXT:
        raise UserError(f"where: {key}{operator} compares numbers, got {_text(value)!r}")
    return Condition(key, operator, value)


def typed(word: str) -> Any:
    """A bare word as number, truth value or null where it reads as one, else as text."""
    if _NUMBER.fullmatch(word):
        return float(word) if re.search(r"[.eE]", word) or len(word) > LONGEST_WHOLE else int(word)
    return WORDS.get(word, word)


def _help() -> str:
    return f"operators: {' '.join(KNOWN)} (~ contains), e.g. where='val/loss<5, tag=x'"


def _any(found: Any, test: Callable[[Any], bool]) -> bool:
    return any(map(test, found)) if isinstance(found, list) else test(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
