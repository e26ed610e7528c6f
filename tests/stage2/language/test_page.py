"""The page on text and tokens: its example runs and gives what the page says."""

import ast
import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "stage2_language.md").read_text(encoding="utf-8")


def test_the_example_gives_what_the_page_says(work):
    (line,) = re.findall(r"^```\n(.*)\n```$", PAGE, re.M)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict = {}
    exec(example, names)
    assert names["render"](names["objects"]) == line
    (said,) = re.findall(r"tolist\(\)  # (.*)", example)
    bins = names["vocabulary"].bins_V[names["encoded"].ids_T[names["encoded"].slots_N4]]
    assert bins.tolist() == ast.literal_eval(said)
    assert names["image_tokens"](1056, 704, "a") == int(re.findall(r"# (\d+) image tokens", example)[0])
