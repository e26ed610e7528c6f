"""`railyard doctor`: versions, devices, optional parts missing and how to get them."""

import os
import platform
import re
import shutil
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from railyard.core.compiled import cache_folder
from railyard.core.config.conf_folders import bundled, known_experiments
from railyard.core.making.unfinished import unfinished
from railyard.core.package import version_of
from railyard.core.verbs.verb import Job, Verb

DEVELOPERS = ("test", "dev")  # extras for working on Railyard itself
REQUIRED = ("torch", "lightning", "pytorch-lightning", "hydra-core", "omegaconf", "numpy", "numba", "pydantic")
EXTRAS = {
    "plots": "plots beside reports",
    "track": "logger=tensorboard",
    "search": "`railyard search` of the tlg8 rail, searches of knobs (hparams_search), trials side by side",
    "slurm": "sweeps on a Slurm cluster",
    "ray": "sweeps on a Ray cluster",
    "notebook": "tables of runs as data frames",
    "zstd": "packs whose lines are compressed (training.all.jsonl.zst)",
    "export": "`railyard export` to ONNX",
    "serve": "the board's inference server and its clients",
    "review": "`railyard review`, annotated games in a browser",
    "lora": "adapters of stage2's models, LoRA and DoRA",
    "coco": "average precision in evaluations of stage2",
}
NETWORK = ("logger=wandb", "logger=mlflow")


class Doctor(Verb):
    """The root of doctor.yaml."""

    def perform(self, job: Job) -> dict[str, Any]:
        return {
            "railyard": version_of("railyard"),
            "python": platform.python_version(),
            "packages": {name: version_of(name) for name in REQUIRED},
            "devices": _devices(),
            "folders": {
                "conf": str(bundled("conf")),
                "samples": str(bundled("samples")),
                "compiled code": str(cache_folder()),
                "free here": f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB",
            },
            "extras": EXTRAS,
            "missing": _missing(),
            "unfinished": unfinished(Path.cwd()),
            "experiments": known_experiments(),
            "need a network": list(NETWORK),
        }


def _missing() -> dict[str, str]:
    """How to get what optional parts need and is not there, by the extra that brings it."""
    missing: dict[str, list[str]] = {}
    for line in requires("railyard") or ():
        found = re.fullmatch(r"([\w.-]+).*extra == ['\"](\w+)['\"]", line)
        if found and found[1] != "railyard" and found[2] not in DEVELOPERS and not version_of(found[1]):
            missing.setdefault(found[2], []).append(found[1])
    return {extra: f"{', '.join(names)}: pip install 'railyard[{extra}]'" for extra, names in missing.items()}


def _devices() -> list[str]:
    import torch

    cuda = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, f"cpu, {os.cpu_count()} cores, {torch.get_num_threads()} threads"]
