"""Writes the endpoints of docs/review.md from the OpenAPI document, and the recorded answers of its examples.

`.venv/bin/python scripts/review_api.py` after an endpoint of `railyard review` changed;
tests/board/review/test_openapi.py compares.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "helpers"), str(ROOT / "src")]
PAGE = ROOT / "docs" / "review.md"
BEGIN, END = "<!-- endpoints -->\n", "<!-- end of endpoints -->\n"
LONGEST = 1400  # characters of an answer that the page shows


def section(document: dict[str, Any], answers: dict[str, str]) -> str:
    """The endpoints as the page has them. answers: recorded ones by name."""
    from review_examples import of

    lines: list[str] = []
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            lines += [f"### {method.upper()} {path}", "", said.get("description", said.get("summary", "")), ""]
            lines += _parameters(said)
            for example in of(path, method.upper()):
                lines += ["```", example.command, "```", ""]
                if answer := answers.get(example.name):
                    lines += ["```json", _cut(answer), "```", ""]
    return "\n".join(lines)


def _parameters(said: dict[str, Any]) -> Iterator[str]:
    found = said.get("parameters", [])
    if not found:
        return
    yield "| parameter | in | default | |"
    yield "| --- | --- | --- | --- |"
    for parameter in found:
        default = parameter["schema"].get("default")
        shown = "" if default is None else f"`{json.dumps(default)}`"
        yield f"| `{parameter['name']}` | {parameter['in']} | {shown} | {parameter.get('description', '')} |"
    yield ""


def _cut(answer: str) -> str:
    return answer if len(answer) <= LONGEST else answer[:LONGEST].rpartition("\n")[0] + "\n…"


def recorded(client: Any) -> dict[str, str]:
    """The answers of all examples as text, by name; bytes are left out."""
    from review_examples import EXAMPLES

    found = {}
    for example in EXAMPLES:
        response = example.send(client)
        kind = response.headers.get("content-type", "")
        if response.status_code >= 300:
            raise SystemExit(f"{example.asked}: {response.status_code} {response.text}")
        if "json" in kind and response.content and not example.accept:
            found[example.name] = json.dumps(response.json(), indent=1, ensure_ascii=False)
        elif example.accept:
            found[example.name] = response.text.rstrip("\n")
    return found


def with_section(page: str, new: str) -> str:
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{new}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    from review_examples import EXAMPLES, RECORDED
    from reviewed import reviewed_examples

    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        with reviewed_examples() as client:
            answers, document = recorded(client), client.get("/openapi.json").json()
    RECORDED.mkdir(exist_ok=True)
    for old in RECORDED.glob("*.*json"):
        old.unlink()
    for example in EXAMPLES:
        if text := answers.get(example.name):
            example.recorded.write_text(text + "\n")
    PAGE.write_text(with_section(PAGE.read_text(), section(document, answers)))
    record_kinds()


def record_kinds() -> None:
    """Answers about every kind of session, for tests of viewers; their times and hashes are those of this call."""
    from review_examples import RECORDED
    from review_inputs import make_inputs, recorded_kinds
    from sampled import sample_games

    with tempfile.TemporaryDirectory() as work:
        os.environ["XDG_CACHE_HOME"] = f"{work}/cache"
        for kind, name, text in recorded_kinds(make_inputs(Path(work), sample_games(Path(work) / "pack", 40))):
            (RECORDED / kind).mkdir(exist_ok=True)
            (RECORDED / kind / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
