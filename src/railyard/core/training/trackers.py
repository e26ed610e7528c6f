"""Trackers beside the plain files (TensorBoard, W&B, MLflow): opened before training begins, closed after it.

A tracker that does not answer is one sentence before the first step. A resumed run goes on where its trackers stopped:
W&B by the run's name, TensorBoard by its folder, MLflow by the id that `trackers.json` of the run folder keeps.
"""

import importlib
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from railyard.core.config.component import Foreign
from railyard.core.errors import RailyardError, UserError
from railyard.core.runs.folder import read_config
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.training.resuming import PER_CALL

FILE = "trackers.json"
SCHEMA_VERSION = 1
MLFLOW = "lightning.pytorch.loggers.MLFlowLogger"
ERRORS = {"wandb.errors": "Error", "mlflow.exceptions": "MlflowException"}
WAIT_SECONDS = 5.0  # MLflow itself would try for minutes


def opened(described: Mapping[str, Foreign | None] | None, folder: Path) -> list[Any]:
    """Lightning's loggers, each connected and told the run's config.

    Raises UserError naming the key of the one that cannot be opened.
    """
    parts = {name: part for name, part in (described or {}).items() if part is not None}
    config = read_config(folder)
    told = {key: value for key, value in config.items() if key not in PER_CALL}
    return [_opened(name, part, folder, told) for name, part in parts.items()]


def _opened(name: str, part: Foreign, folder: Path, config: Mapping[str, Any]) -> Any:
    _refuse_unreachable(name, part.kwargs.get("tracking_uri"))
    kept = read_json(folder / FILE).get("mlflow", {}).get(name) if part.target == MLFLOW else None
    try:
        logger = part.build(**({"run_id": kept} if kept else {}))
        _ = logger.experiment
        if not kept:  # MLflow lets no parameter change
            logger.log_hyperparams(config)
    except _errors() as fault:
        raise UserError(f"logger.{name} cannot be opened: {_one_line(fault)}; {_ADVICE}") from None
    if part.target == MLFLOW and logger.run_id:  # ranks above 0 have none
        _keep(folder, name, logger.run_id)
    return logger


_ADVICE = "logger=csv trains without it, and wandb_offline and mlflow_offline need no server"


def _refuse_unreachable(name: str, uri: Any) -> None:
    address = urlsplit(str(uri or ""))
    if address.scheme not in ("http", "https"):
        return
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), WAIT_SECONDS).close()
    except OSError as fault:
        raise UserError(f"logger.{name}: nothing answers at {uri} ({fault.strerror or fault}); {_ADVICE}") from None


def _keep(folder: Path, name: str, run_id: str) -> None:
    known = read_json(folder / FILE).get("mlflow", {})
    if known.get(name) != run_id:
        facts = {"schema_version": SCHEMA_VERSION, "mlflow": {**known, name: run_id}}
        durable.write_json(folder / FILE, facts)


@contextmanager
def closing(folder: Path) -> Iterator[None]:
    """One sentence if a tracker fails while the block runs.

    W&B's run ends with the block: its logger would let the next job of this process go on in it.
    """
    try:
        yield
    except _errors() as fault:
        raise RailyardError(
            f"a tracker failed while training: {_one_line(fault)}; go on without it by "
            f"railyard train resume={folder} logger=csv"
        ) from None
    finally:
        if wandb := sys.modules.get("wandb"):
            wandb.finish()


def _errors() -> tuple[type[Exception], ...]:
    """What the trackers in use raise."""
    return tuple(_of_loaded(ERRORS.items()))


def _of_loaded(names: Iterable[tuple[str, str]]) -> Iterator[type[Exception]]:
    for module, name in names:
        if module.partition(".")[0] in sys.modules:
            yield getattr(importlib.import_module(module), name)


def _one_line(fault: Exception) -> str:
    return " ".join(str(fault).split())
