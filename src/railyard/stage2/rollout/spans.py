"""Where the values of `"desc"` lie in a text of JSON: the bytes whose tokens count as description.

Works on any text, whole or cut, at any depth. Targets built here know their places already (`language/encoding.py`);
this is for text that came from elsewhere.
"""

import re

from railyard.stage2.rollout.scan import STRING_REST, Span

# strings are eaten one after the other, each with its value if that is a string, so that none begins inside another;
# one that is cut takes the rest of the text
_MEMBER = re.compile(rb'"(%b)(?:"(?:\s*+:\s*+"(%b)")?+|\\?\Z)' % (STRING_REST, STRING_REST), re.DOTALL)


def desc_spans(text: bytes) -> list[Span]:
    """Places [start, end) of all desc values, without their quotes; nothing for one that is cut or no string."""
    members = _MEMBER.finditer(text)
    return [member.span(2) for member in members if member[1] == b"desc" and member[2] is not None]
