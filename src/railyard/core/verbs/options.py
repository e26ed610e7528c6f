"""The options of a command line, as Hydra's users type them: `--cfg job`, `--resolve`, `-p trainer`, `--info`, …

What is printed instead of a run: the composed config, or where it came from.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from railyard.core.config.compose import Composition
from railyard.core.config.words import quoted
from railyard.core.errors import UserError, nearest

WITH_VALUE = {"-c": "--cfg", "--cfg": "--cfg", "-p": "--package", "--package": "--package"}
WITH_VALUE |= dict.fromkeys(("-cd", "--config-dir"), "--config-dir")
CHOICES = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
PLAIN = {"--resolve": "--resolve", "-i": "--info", "--info": "--info", "-r": "", "--run": ""}  # a run is what it does
ADVICE = {
    "--config-name": "the primary config is the verb's: experiment=NAME chooses a file of ./conf/experiment",
    "--config-path": "configs of your own lie in ./conf, or in a folder named by --config-dir",
    "--shell-completion": "`railyard completion bash` prints the script for your shell (zsh, fish)",
    "--hydra-help": "hydra.KEY=VALUE sets Hydra's own keys; --cfg hydra lists them",
    "--experimental-rerun": "`railyard replay run=RUN` runs one again and compares the bits",
}
ADVICE |= {short: ADVICE[long] for short, long in (("-cn", "--config-name"), ("-cp", "--config-path"))}
ADVICE |= {"-sc": ADVICE["--shell-completion"]}
KNOWN = "--help, --cfg job|hydra|all, --resolve, --package, --info, --config-dir and -m"


@dataclass(frozen=True)
class Call:
    """The words of a command line, apart: overrides, and what is to be printed instead of a run."""

    overrides: tuple[str, ...]
    cfg: str | None = None
    info: str | None = None
    resolve: bool = False
    package: str | None = None

    @property
    def prints(self) -> bool:
        return self.cfg is not None or self.info is not None

    def printed(self, composition: Composition) -> str:
        """What is asked for, as YAML. UserError for a package that there is not, or a value that cannot be resolved."""
        if self.info is not None:
            return _yaml(_info(self.info, composition))
        return _config(composition, self.cfg or "job", self.resolve, self.package)


def parse(argv: Iterable[str]) -> Call:
    """The call of a command line. UserError for an option that there is not, with what to write instead."""
    overrides, found = [], {}
    rest = iter(_split(argv))
    for word in rest:
        if not word.startswith("-"):
            overrides.append(word)
        elif word in WITH_VALUE:
            found[WITH_VALUE[word]] = _value(WITH_VALUE[word], next(rest, ""))
        elif word in PLAIN:
            found[PLAIN[word]] = "all"
        elif word.startswith("--info="):
            found["--info"] = _value("--info", word.partition("=")[2])
        else:
            advice = ADVICE.get(word) or f"options are {KNOWN}, keys are given as key=value"
            raise UserError(f"there is no option {word}; {advice}")
    if folder := found.get("--config-dir"):
        overrides.append(_searched(Path(folder)))
    if not {"--resolve", "--package"}.isdisjoint(found) and "--cfg" not in found:
        raise UserError("--resolve and --package go with --cfg job, hydra or all")
    return Call(tuple(overrides), found.get("--cfg"), found.get("--info"), "--resolve" in found, found.get("--package"))


def _split(argv: Iterable[str]) -> Iterator[str]:
    """`--cfg=job` as two words; the value of `--info` stays with it, since it may be left out."""
    rest = list(argv)
    for place, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if word.startswith("-") and equals and name in WITH_VALUE:
            yield from (name, value)
        elif place and rest[place - 1] in ("-i", "--info") and word in CHOICES["--info"]:
            yield f"--info={word}"
        else:
            yield word


def _value(option: str, value: str) -> str:
    known = CHOICES.get(option)
    if not value or (known and value not in known):
        wanted = " or ".join(known) if known else "a value"
        got = f", got {value}{nearest(value, known or ())}" if value else ""
        raise UserError(f"{option} takes {wanted}{got}")
    return value


def _searched(folder: Path) -> str:
    if not folder.is_dir():
        raise UserError(f"--config-dir {folder}: there is no such folder")
    return f"hydra.searchpath=[{quoted(f'file://{folder.resolve()}')}]"


def _config(composition: Composition, which: str, resolve: bool, package: str | None) -> str:
    parts: list[Any] = []
    if which != "job":
        parts.append({"hydra": OmegaConf.to_container(composition.config.hydra, resolve=resolve)})
    if which != "hydra":
        parts.append(_resolved(composition) if resolve else composition.job())
    node: Any = OmegaConf.merge(*parts)
    if package is not None and package != "_global_":
        node = OmegaConf.select(node, package)
        if node is None:
            raise UserError(f"--package {package}: the config has no such key")
    if not OmegaConf.is_config(node):
        return f"{node}\n"
    return str(OmegaConf.to_yaml(node))


def _resolved(composition: Composition) -> dict[str, Any]:
    container, faults = composition.container()
    if faults:
        raise UserError(f"--resolve: {'.'.join(faults[0].key)}: {faults[0].message}")
    return container


def _info(which: str, composition: Composition) -> dict[str, Any]:
    parts: dict[str, Callable[[], Any]] = {
        "searchpath": lambda: [{"from": source, "path": path} for source, path in composition.search_path()],
        "defaults": lambda: [{"config": name, "package": package} for name, package in composition.chosen_files()],
        "plugins": lambda: sorted(f"{found.__module__}.{found.__name__}" for found in Plugins.instance().discover()),
        "config": lambda: OmegaConf.to_container(composition.job(), resolve=False),
    }
    wanted = {"all": tuple(parts), "defaults-tree": ("defaults",)}.get(which, (which,))
    return {name: parts[name]() for name in wanted}


def _yaml(node: Any) -> str:
    return str(yaml.safe_dump(node, sort_keys=False, allow_unicode=True, width=sys.maxsize))
