"""The rule for a description: which texts may be plain words in the answer that a model learns to write.

Everything that renders or converts descriptions passes them through `sanitise`; a record as such only needs one that
is not empty.
"""

import re
import unicodedata

FORBIDDEN = ("  ", " ,", ", ", " /", "/ ", " :", ": ")
SPECIAL_TOKEN = re.compile(r"<\|[^|]*\|>")
CONTROL = ("Cc", "Cs", "Zl", "Zp")  # control characters, lone surrogates, line and paragraph separators


def sanitise(desc: str) -> str:
    """The description without the blanks around it, its letters composed (NFC) as tokenizers compose them.

    Raises ValueError for an empty one, for control characters, double spaces, special tokens such as `<|im_end|>`,
    and for a comma, slash or colon with a space beside it: those read as the structure around a description.
    """
    stripped = unicodedata.normalize("NFC", desc.strip())
    if not stripped:
        raise ValueError("a description cannot be empty")
    if any(unicodedata.category(character) in CONTROL for character in stripped):
        raise ValueError(f"a description is one line of plain text without control characters, got {desc!r}")
    if found := next((each for each in FORBIDDEN if each in stripped), None):
        raise ValueError(f"a description cannot contain {found!r}, got {desc!r}: leave that space out")
    if token := SPECIAL_TOKEN.search(stripped):
        raise ValueError(f"a description cannot contain the special token {token[0]}, got {desc!r}")
    return stripped
