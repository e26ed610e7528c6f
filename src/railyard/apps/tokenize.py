"""`railyard tokenize tokenizer=T pack=PACK out=tokens.npy`: the classes of every row of a pack."""

from typing import Any

from railyard.board.tokens.config import Tokenize
from railyard.core.progress import counting
from railyard.core.verbs.launch import Job

ROOT = Tokenize


def run(job: Job) -> dict[str, Any]:
    with counting("tokenize", "rows") as tick:
        return dict(job.root.run(tick))
