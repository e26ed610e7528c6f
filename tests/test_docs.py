"""What README and docs/ name is there: files, links, the package's extras."""

import gzip
import re
import tomllib
from pathlib import Path

import pytest

from railyard.board.logs.raw_logs import find_games, read_game
from railyard.core.config.targets import TABLE
from railyard.core.verbs.table import verbs

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SPAN = re.compile(r"`([^`\s]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
IN_A_RUN = ("outputs/", "checkpoints/", "init/", ".hydra/")  # folders that a run makes


def files_named(text: str) -> set[str]:
    """Code spans that are paths of the repository: a folder in front, or the ending of a source file."""
    spans = {span for span in SPAN.findall(text) if re.fullmatch(r"[\w.*/-]+", span)}
    return {span for span in spans if ("/" in span or span.endswith(".py")) and not span.startswith(("./", *IN_A_RUN))}


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_file_of_the_house_is_there():
    names = files_named((ROOT / "docs" / "house.md").read_text())
    templates = {name for name in names if "NAME" in name} | {"config.py", "rail.py", "rules.py", "__init__.py"}
    named = names - templates
    assert len(named) > 50
    missing = [name for name in named if not any([*ROOT.glob(name), *(ROOT / "src/railyard").glob(name)])]
    assert missing == []


def test_rooms_and_arrows_are_those_of_the_import_contracts():
    text = (ROOT / "docs" / "house.md").read_text()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [[set(re.findall(r"\w+(?= \||$)", layer)) for layer in each["layers"][::-1]] for each in contracts]
    rows = re.findall(r"^\| (`core/[^|]*) \|", text, re.MULTILINE)
    assert [{Path(span).stem for span in SPAN.findall(row)} for row in rows] == layers[1]
    for rail, below in zip(("board", "tlg8", "stage2"), layers[2:], strict=True):
        folders = [{name} for name in SPAN.findall(re.search(rf"^\* {rail}: (.*)$", text, re.MULTILINE)[1])]
        assert folders == [layer for layer in below if (ROOT / "src/railyard" / rail / next(iter(layer))).is_dir()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text()):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_lists_every_verb_in_the_order_of_the_command_line():
    section = (ROOT / "README.md").read_text().partition("## Verbs")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(verbs())


def test_every_page_is_linked():
    linked = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in LINK.findall(page.read_text())
    }
    assert [page.name for page in PAGES[1:] if page not in linked] == []


def test_the_guide_lists_the_extras_of_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    section = (ROOT / "docs" / "guide.md").read_text().partition("## Install")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE)
    brings = {
        name: ", ".join(re.split(r"[=<>]", package)[0] for package in packages) for name, packages in extras.items()
    }
    brings["all"] = ", ".join(re.findall(r"\w+", extras["all"][0])[1:])
    assert dict(rows) == {name: what for name, what in brings.items() if name not in ("test", "dev")}


def test_every_optimizer_that_a_config_may_name_has_a_row():
    rows = re.findall(r"^\| `(torch\.optim\.\w+)` \|", (ROOT / "docs" / "own.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(name for name in TABLE if name.startswith("torch.optim."))


def test_the_example_of_a_raw_log_is_one(tmp_path):
    meta, steps = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "raw_logs.md").read_text(), re.DOTALL)
    (tmp_path / "NAME.meta.json").write_text(meta)
    (tmp_path / "NAME.jsonl.gz").write_bytes(gzip.compress(steps.encode()))
    (files,) = find_games(tmp_path).games
    game = read_game(files)
    assert game.rows["move"].tolist() == [2, 0]
    assert (game.meta.max_tile, game.valuation_names, game.rows["step_index"].tolist()) == (4, ["search"], [0, 1])


@pytest.mark.slow
def test_a_model_and_data_of_one_s_own_are_trained_as_their_page_says(railyard, work):
    text = (ROOT / "docs" / "own.md").read_text()
    (work / "conf" / "experiment").mkdir(parents=True)
    (work / "my_rail.py").write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    (work / "conf" / "experiment" / "squares.yaml").write_text(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    done = railyard("train", "experiment=squares", "json=true")
    assert done.code == 0, done.err
    assert done.json["metrics"]["val/loss"] < 0.05
    run, allowed = done.json["run"], "allow=[my_rail.Squares,my_rail.Curve]"
    assert railyard("train", f"resume={run}", "trainer.max_epochs=4", allowed).code == 0
    assert railyard("evaluate", f"run={run}", allowed).code == 0
