"""A run that a person names: the path of its folder, or the beginning or the id of its name."""

from pathlib import Path

from railyard.core.errors import UserError, nearest
from railyard.core.runs.catalog.discover import CONFIG, find
from railyard.core.runs.folder import name_of


def run_folder(name: str, root: Path) -> Path:
    """The folder of the run called `name`; raises UserError when no run below `root` fits, or several."""
    if (Path(name) / CONFIG).is_file():
        return Path(name)
    known = {name_of(root / path): root / path for path in (find(root) if root.is_dir() else ())}
    fitting = [run for run in known if _fits(name, run)]
    if len(fitting) == 1:
        return known[fitting[0]]
    if not fitting:
        raise UserError(f"no run below {root} is called '{name}'{nearest(name, known)}; `railyard runs` lists them")
    raise UserError(
        f"'{name}' is the beginning of {len(fitting)} runs below {root}, {', '.join(fitting[:3])}, …: say more"
    )


def _fits(name: str, run: str) -> bool:
    """Whether a name begins so, or the short id after its time does."""
    return bool(name) and (run.startswith(name) or run.partition("_")[2].startswith(name))
