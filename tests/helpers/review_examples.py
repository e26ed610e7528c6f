"""An example request for each endpoint of review, over the reference's annotations: docs/review.md shows them, a test
sends them, and their answers lie in tests/fixtures/review/ for tests of viewers.

`railyard review pool=tests/fixtures/board/03_pack annotations=tests/fixtures/board/15_annotations_server
tokenizer=tests/fixtures/board/04_tokenizer_v2_8.json` answers them.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "fixtures" / "review"
SESSION = "03_pack~15_annotations_server"
S = f"/sessions/{SESSION}"
NDJSON = "application/x-ndjson"


class Example(NamedTuple):
    """A request; `path` is that of the document, `asked` what is sent."""

    path: str
    asked: str
    method: str = "GET"
    body: Any = None
    accept: str | None = None
    before: "Example | None" = None  # what has to be sent first

    @property
    def name(self) -> str:
        """That of its recorded answer."""
        words = [word for word in self.path.replace("{", "").replace("}", "").split("/") if word]
        kind = "" if self.method == "GET" else f"{self.method.lower()}_"
        return kind + "_".join(words) + ("_lines" if self.accept else "")

    @property
    def recorded(self) -> Path:
        """The file of its recorded answer."""
        return RECORDED / f"{self.name}.{'ndjson' if self.accept else 'json'}"

    def send(self, client):
        if self.before:
            self.before.send(client)
        headers = {"accept": self.accept} if self.accept else {}
        if self.body is None:
            return client.request(self.method, self.asked, headers=headers)
        return client.request(self.method, self.asked, headers=headers, json=self.body)

    @property
    def command(self) -> str:
        """As a person sends it."""
        words = ["curl"]
        words += [f"-X {self.method}"] if self.method not in ("GET", "POST") else []
        words += [f"-H 'accept: {self.accept}'"] if self.accept else []
        words += [f"-H 'content-type: application/json' -d '{json.dumps(self.body)}'"] if self.body is not None else []
        return " ".join([*words, f"'http://127.0.0.1:8080{self.asked}'"])


BOARD = [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]
VIEW = {"where": "disagreement=1, entropy>2", "sort": "-ev_loss", "note": "sure of nothing"}
KEPT = Example("/views/{name}", "/views/unsure", "PUT", VIEW)

EXAMPLES = [
    Example("/health", "/health"),
    Example("/runs", "/runs?page=1&page_size=2&min_steps=10&sort=steps_desc"),
    Example("/runs/{run_id}", "/runs/0?offset=0&limit=1&tokenize=true&student_mode=topk&student_topk=2"),
    Example("/runs/{run_id}", "/runs/0?limit=2&bins=false", accept=NDJSON),
    Example("/runs/{run_id}/disagreements", "/runs/0/disagreements?limit=3"),
    Example("/token", "/token", "POST", {"token": "the word of token_file"}),
    Example("/sessions", "/sessions"),
    Example("/sessions/{session}/schema", f"{S}/schema"),
    Example("/sessions/{session}/runs", f"{S}/runs?where=steps>10&sort=-disagreement_rate&page_size=2"),
    Example(
        "/sessions/{session}/runs/{run_id}/steps", f"{S}/runs/0/steps?limit=1&metrics=entropy,ev_loss&tokenize=true"
    ),
    Example("/sessions/{session}/runs/{run_id}/steps", f"{S}/runs/0/steps?limit=1&bins=false", accept=NDJSON),
    Example("/sessions/{session}/runs/{run_id}/series", f"{S}/runs/0/series?metrics=logit_gap,entropy"),
    Example("/sessions/{session}/columns", f"{S}/columns"),
    Example(
        "/sessions/{session}/steps/search", f"{S}/steps/search?where=disagreement=1,ev_loss>100&sort=-ev_loss&limit=2"
    ),
    Example("/sessions/{session}/compare/{other}", f"{S}/compare/{SESSION}"),
    Example("/sessions/{session}/compare/{other}/steps", f"{S}/compare/{SESSION}/steps?group=wrong&limit=2"),
    Example("/sessions/{session}/export", f"{S}/export?where=run_id=8&format=csv&columns=step_index,entropy"),
    Example("/analyze", "/analyze", "POST", {"board": BOARD, "depth": 2, "model": False}),
    Example("/analyze/rollouts", "/analyze/rollouts", "POST", {"board": BOARD, "moves": [1, 3], "games": 3}),
    KEPT,
    Example("/views", "/views", before=KEPT),
    Example("/views/{name}", "/views/unsure", before=KEPT),
    Example("/views/{name}", "/views/unsure", "DELETE", before=KEPT),
]


def of(path: str, method: str) -> list[Example]:
    return [example for example in EXAMPLES if (example.path, example.method) == (path, method)]
