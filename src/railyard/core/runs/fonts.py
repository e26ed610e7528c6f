"""Fonts for names in any script: matplotlib's own, which has the scripts of Europe, then those of the machine.

A font for all scripts is larger than Railyard and not part of it: what no font of the machine has is named, so that a
box on a picture is no riddle. Needs matplotlib, which comes with the extra `plots`.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

OWN = "DejaVu Sans"  # comes with matplotlib
PREFERRED = "Noto "  # drawn in one manner for all scripts
STAND_IN = "Last Resort"  # has every character, all as boxes
LISTED = 12  # characters that a sentence names


class Fonts(NamedTuple):
    """Fonts by name and by file, the first one to be asked first; `missing`: the characters that none of them has."""

    names: tuple[str, ...]
    files: tuple[str, ...]
    missing: str

    def sentence(self) -> str:
        """What to do about the missing characters; empty where there are none."""
        if not self.missing:
            return ""
        more = " …" if len(self.missing) > LISTED else ""
        return f"no font of this machine has {' '.join(self.missing[:LISTED])}{more}: install one, e.g. Noto Sans CJK"


def fonts_for(texts: Iterable[str]) -> Fonts:
    """As few fonts as have all characters of the texts."""
    wanted = {sign for text in texts for sign in text if sign.isprintable()}
    chosen = []
    for name, file in _installed():
        drawn = {sign for sign in wanted if ord(sign) in _signs(file)}
        if drawn or name == OWN:
            chosen.append((name, file))
        wanted -= drawn
        if not wanted:
            break
    names, files = zip(*chosen, strict=True)
    return Fonts(names, files, "".join(sorted(wanted)))


def _installed() -> Iterator[tuple[str, str]]:
    """Name and file of each upright font, matplotlib's own first."""
    from matplotlib import font_manager

    yield OWN, font_manager.findfont(OWN)
    others = {
        (entry.name, entry.fname)
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and not entry.name.startswith((OWN, STAND_IN))
    }
    yield from sorted(others, key=lambda font: (not font[0].startswith(PREFERRED), font))


@functools.cache
def _signs(file: str) -> frozenset[int]:
    """The code points that a font has; none where matplotlib cannot read it (coloured pictures, say)."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(file).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
