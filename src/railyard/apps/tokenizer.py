"""`railyard tokenizer pack=PACK out=tokenizer.json`: fit a tokenizer to a pack, in several passes over it."""

from typing import Any

from railyard.board.tokens.config import FitTokenizer
from railyard.core.progress import counting
from railyard.core.verbs.launch import Job

ROOT = FitTokenizer


def run(job: Job) -> dict[str, Any]:
    with counting("tokenizer", "rows read") as tick:
        return dict(job.root.run(tick))
