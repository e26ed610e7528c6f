"""The guide's commands, typed as they stand in an empty folder: `python scripts/walk_guide.py FOLDER`.

Runs are made short by `conf/local/default.yaml` of that folder, as a user may; what takes minutes gets the words of
`SHORT` behind its own. Exit code 1 if a command fails, or is one that nothing here is known of.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide.md"
LOCAL = """# @package _global_
trainer: {max_epochs: 1, max_steps: 6}
model: {encoder: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}}
callbacks: {saver: {every_n_steps: 3}}
"""
# beginning of a command -> words behind it, and why
SHORT = {
    "railyard teach": "games=3 depth=1 max_moves=150",  # a strong game takes minutes
    "railyard tables": "size=tiny",  # those of the guide take 3.5 GB of memory
    "railyard train experiment=board/10m": "trainer=cpu validate_config=true",  # a model for a GPU
}
RUN = "outputs/train/board/quickstart/RUN"  # stands for the newest run


class Walked(NamedTuple):
    """A command as the guide has it, what was typed, and what came of it."""

    written: str
    typed: str
    code: int
    errors: str


def commands(text: str) -> Iterator[str]:
    """The calls of `railyard` in the blocks of a page that a shell takes; those after a `$` show what they printed."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in [] if language else block.replace("\\\n", " ").splitlines():
            if re.match(r"(\$ )?railyard [a-z]+ ", line):
                yield line.removeprefix("$ ")


def walk(folder: Path, page: Path = GUIDE) -> Iterator[Walked]:
    """Types the commands of a page one after the other in `folder`."""
    (folder / "conf" / "local").mkdir(parents=True)
    (folder / "conf" / "local" / "default.yaml").write_text(LOCAL, encoding="utf-8")
    command = folder / ".bin" / "railyard"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m railyard "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    paths = {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    for written in commands(page.read_text(encoding="utf-8")):
        typed = _typed(written, folder)
        done = subprocess.run(
            ["bash", "-c", typed], cwd=folder, env={**os.environ, **paths}, capture_output=True, text=True, check=False
        )
        yield Walked(written, typed, done.returncode, done.stderr)


def _typed(written: str, folder: Path) -> str:
    more = next((words for start, words in SHORT.items() if written.startswith(start)), "")
    runs = sorted((folder / RUN).parent.glob("*/report.md"))
    newest = str(runs[-1].parent.relative_to(folder)) if runs else RUN
    return f"{written.replace(RUN, newest)} {more}".rstrip()


def main() -> int:
    failed = 0
    for found in walk(Path(sys.argv[1]).resolve()):
        print(f"{'ok    ' if found.code == 0 else 'FAILED'} {found.typed}", flush=True)
        if found.code:
            failed += 1
            print(found.errors)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
