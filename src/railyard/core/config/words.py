"""Words of the command line, written as Hydra's grammar takes them."""

import re
from collections.abc import Iterable

_WITH_EQUALS = re.compile(r"""[^\s'"\[\]{}(),$\\]+=[^\s'"\[\]{}(),$\\]*""")


def verbatim(word: str, keys: Iterable[str]) -> str:
    """An override quoted for Hydra if its key is one of `keys`: such a value is taken as it was typed.

    Of a list in brackets each item is taken so; items are split at commas. A plain value with an equals sign, such as
    the path of a session, is taken so under any key: Hydra has no meaning for it.
    """
    key, equals, value = word.partition("=")
    if _WITH_EQUALS.fullmatch(value):
        return f"{key}={quoted(value)}"
    if not equals or key not in keys or value in ("null", "[]"):
        return word
    if value.startswith("[") and value.endswith("]"):
        return f"{key}=[{','.join(quoted(item.strip()) for item in value[1:-1].split(','))}]"
    return f"{key}={quoted(value)}"


def quoted(text: str) -> str:
    """Text as a quoted value of Hydra's grammar, which halves backslashes before a quote and leaves others alone."""
    doubled = re.sub(r"(\\+)('|$)", lambda found: 2 * found[1] + found[2], text)
    return "'" + doubled.replace("'", "\\'") + "'"


def is_utf8(text: str) -> bool:
    """Whether a text from the command line or the file system can be written to a file."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def unreadable(word: str, fault: Exception) -> str:
    """What is said of a word that Hydra's grammar does not take."""
    if "=" not in word and not word.startswith("~"):
        return f"'{word}' is not key=value; `--help` lists the keys"
    reason = str(fault).splitlines()[0].strip()
    return f"'{word}' cannot be read ({reason}); quote special characters for Hydra, as in key='\"a, b\"'"
