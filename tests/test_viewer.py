"""The viewer's build is that of its sources, small enough, and asks nothing of other hosts. Needs no Node."""

import gzip
import hashlib
import json
import re
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "ui" / "review"
DIST = SOURCES / "dist"
IMPORTED = "../../src/railyard/board/review/accuracy.json"
LEFT_OUT = ("dist", "node_modules")


def _files(folder: Path, before: str = ""):
    for path in folder.iterdir():
        if path.name not in LEFT_OUT and not path.name.startswith("."):
            yield from _files(path, f"{before}{path.name}/") if path.is_dir() else [f"{before}{path.name}"]


def test_the_build_is_that_of_the_sources():
    """As stamp.ts hashes them; paths are ASCII, so that their order is the same in both languages."""
    digest = hashlib.sha256()
    for name in sorted([IMPORTED, *_files(SOURCES)]):
        content = (SOURCES / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    stamp = json.loads((DIST / "stamp.json").read_text())
    assert stamp == {"sources": digest.hexdigest()}, "build the viewer: cd ui/review && npm run build"


def _needed(name: str, seen: set[str]) -> set[str]:
    """A script with those that it imports before it runs."""
    if name not in seen:
        seen.add(name)
        for other in re.findall(r"""(?:from|import)\s*["']\./([^"']+\.js)["']""", (DIST / "assets" / name).read_text()):
            _needed(other, seen)
    return seen


def test_scripts_are_within_their_budgets():
    """kB gzipped: what any page loads first 150, all 250."""
    sizes = {file.name: len(gzip.compress(file.read_bytes())) / 1000 for file in DIST.glob("assets/*.js")}
    (entry,) = re.findall(r'src="/assets/([^"]+\.js)"', (DIST / "index.html").read_text())
    pages = [name for name in sizes if re.match(r"\w+Page-", name)]
    assert len(pages) >= 6
    first = {page: sum(sizes[name] for name in _needed(page, _needed(entry, set()))) for page in pages}
    assert {page: size for page, size in first.items() if size > 150} == {}
    assert sum(sizes.values()) <= 250


def test_the_page_has_no_inline_script_or_style():
    page = (DIST / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
