"""`railyard tokenizer pack=PACK out=tokenizer.json`: fit a tokenizer to a pack, in several passes over it."""

from typing import Any

from railyard.board.tokens.config import FitTokenizer
from railyard.core.launch import Job
from railyard.core.progress import counting

ROOT = FitTokenizer


def run(job: Job) -> dict[str, Any]:
    with counting("tokenizer", "rows read") as tick:
        return dict(job.root.run(tick))
