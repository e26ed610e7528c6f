"""Reference numbers of tests/fixtures/stage2, by the first two digits of their file."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "stage2"


def fixture(number: str) -> dict[str, Any]:
    (path,) = FOLDER.glob(f"{number}_*.json")
    return json.loads(path.read_text())
