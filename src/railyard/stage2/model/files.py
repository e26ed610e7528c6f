"""What a model folder holds, told without torch: its config, whether it is one of ours, and its fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError, short
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.stage2.language.tokenizer import FILE as TOKENIZER

MODEL_TYPE = "qwen3_vl"  # what config.json says of the architecture
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def check(folder: Path) -> dict[str, Any]:
    """The config of a model folder; UserError where there is none, or one of another architecture."""
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(f"{folder} holds no {CONFIG}: give the folder of a Qwen3-VL, as the init/ of a stage2 run")
    config: dict[str, Any] = read_json(path)
    found = config.get("model_type")
    if found != MODEL_TYPE:
        what = f"one of type {short(found)}" if found else "one of another rail"
        raise UserError(f"{folder} holds no Qwen3-VL, but {what}: give the init/ of a stage2 run, or a Qwen3-VL")
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"{folder} holds no weights (*.safetensors): copy it again, or give another one")
    return config


def fingerprint(folder: Path) -> str:
    """Tells a model from any other: sha256 over its config, weights and tokenizer, as 16 hex digits."""
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    known = _known(folder)
    sums = {name: known.get(name) or durable.sha256_of(folder / name) for name in (CONFIG, *names, TOKENIZER)}
    return hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:16]


def checked_fingerprint(folder: Path) -> str:
    """The fingerprint, after every file that a manifest names was compared with it; UserError for one that differs."""
    if (folder / durable.MANIFEST).is_file():
        durable.check_manifest(folder)
    return fingerprint(folder)


def _known(folder: Path) -> Mapping[str, str]:
    """What its manifest says of the files, if there is one."""
    if not (folder / durable.MANIFEST).is_file():
        return {}
    return {name: facts["sha256"] for name, facts in read_json(folder / durable.MANIFEST).get("files", {}).items()}
