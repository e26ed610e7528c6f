"""`railyard doctor`: versions, devices, optional parts missing and how to get them."""

import os
import platform
import shutil
from pathlib import Path
from typing import Any

from railyard.core.compiled import cache_folder
from railyard.core.config.compose import bundled, known_experiments
from railyard.core.package import version_of
from railyard.core.verbs.verb import Job, Verb

OPTIONAL = {
    "plots": ("matplotlib",),
    "track": ("tensorboard",),
    "search": ("optuna", "hydra-joblib-launcher"),
    "slurm": ("hydra-submitit-launcher",),
    "ray": ("hydra-ray-launcher",),
}
REQUIRED = ("torch", "lightning", "pytorch-lightning", "hydra-core", "omegaconf", "numpy", "numba", "pydantic")
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
            "missing": _missing(),
            "experiments": known_experiments(),
            "need a network": list(NETWORK),
        }


def _missing() -> dict[str, str]:
    """How to get what optional parts need and is not there."""
    missing = {extra: [name for name in names if not version_of(name)] for extra, names in OPTIONAL.items()}
    return {extra: f"{', '.join(names)}: pip install 'railyard[{extra}]'" for extra, names in missing.items() if names}


def _devices() -> list[str]:
    import torch

    cuda = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, f"cpu, {os.cpu_count()} cores, {torch.get_num_threads()} threads"]
