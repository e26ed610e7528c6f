"""Model folders as transformers reads them: config, weights with all adapters merged, tokenizer, chat template.

A run's `init/`, what a server of rollouts is given, and what `railyard export format=hf` writes are such folders.
Nothing of a folder is run: weights are safetensors, the rest is JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from railyard.core import package
from railyard.core.errors import UserError, short
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.stage2.language import chat, tokenizer
from railyard.stage2.language.vocabulary import IM_END
from railyard.stage2.model.adapters import merged_weights
from railyard.stage2.model.detector import Detector
from railyard.stage2.model.pictures import FRAMES, PATCH
from railyard.stage2.scenes.resize import FACTOR

KIND = "stage2_model"
MODEL_TYPE = "qwen3_vl"  # what config.json says of the architecture
CONFIG, WEIGHTS = "config.json", "model.safetensors"
MOST_IMAGE_TOKENS = 768
SHOWN = 3  # weights named in a message

# how an image of any size is fed by programs other than this one; ours are at the size that is fed already
PREPROCESSOR = {
    "image_processor_type": "Qwen2VLImageProcessorFast",
    "processor_class": "Qwen3VLProcessor",
    "patch_size": PATCH,
    "temporal_patch_size": FRAMES,
    "merge_size": FACTOR // PATCH,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "size": {"shortest_edge": 4 * FACTOR**2, "longest_edge": MOST_IMAGE_TOKENS * FACTOR**2},
}


def write(folder: Path, detector: Detector, **made_from: Any) -> str:
    """Writes the detector as it is now, replacing a folder that exists; its fingerprint.

    `made_from`: facts for the manifest. The same weights give the same bytes.
    """
    from safetensors.torch import save_file

    with durable.atomic_folder(folder) as new:
        save_file(effective_weights(detector), new / WEIGHTS, metadata={"format": "pt"})
        durable.write_text(new / CONFIG, _config_text(detector.model))
        durable.write_json(new / "generation_config.json", _generation(detector))
        durable.write_json(new / "preprocessor_config.json", PREPROCESSOR)
        tokenizer.write_files(detector.tokenizer, new, chat.TEMPLATE)
        durable.write_manifest(new, {"kind": KIND, "railyard_version": package.__version__, **made_from})
    return fingerprint(folder)


def effective_weights(detector: Detector) -> dict[str, Tensor]:
    """The weights under transformers' names, adapters merged and the coordinates' rows in place; tied ones once."""
    model = detector.settle()
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in merged_weights(model).items()}
    if detector.is_tied:
        weights.pop("lm_head.weight", None)
    return weights


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


def load(folder: Path, dtype: str, attention: str) -> Any:
    """The transformers model of a folder; UserError where it lacks weights, has others, or cannot be read."""
    from safetensors import SafetensorError
    from transformers import Qwen3VLForConditionalGeneration

    check(folder)
    try:
        with quiet_transformers():
            model, found = Qwen3VLForConditionalGeneration.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                attn_implementation=attention,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError, SafetensorError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise UserError(f"{folder} cannot be loaded ({reason}): copy it again, or give another one") from fault
    for word, names in (("lacks", found["missing_keys"]), ("has unknown", found["unexpected_keys"])):
        if names:
            told = ", ".join(sorted(map(str, names))[:SHOWN])
            raise UserError(f"{folder} {word} weights ({told}{', …' if len(names) > SHOWN else ''}): copy it again")
    return model


def fingerprint(folder: Path) -> str:
    """Tells a model from any other: sha256 over its config, weights and tokenizer, as 16 hex digits."""
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    known = _known(folder)
    sums = {name: known.get(name) or durable.sha256_of(folder / name) for name in (CONFIG, *names, tokenizer.FILE)}
    return hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:16]


def _known(folder: Path) -> Mapping[str, str]:
    """What its manifest says of the files, if there is one."""
    if not (folder / durable.MANIFEST).is_file():
        return {}
    return {name: facts["sha256"] for name, facts in read_json(folder / durable.MANIFEST).get("files", {}).items()}


def _config_text(model: Any) -> str:
    return str(model.config.to_json_string(use_diff=True))


def _generation(detector: Detector) -> dict[str, Any]:
    (pad,) = detector.vocabulary.encode(tokenizer.PAD)
    return {"eos_token_id": detector.tokenizer.token_to_id(IM_END), "pad_token_id": pad, "do_sample": False}


class quiet_transformers:
    """No progress bars and no advice of transformers inside."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._verbosity, self._bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging

        logging.set_verbosity(self._verbosity)
        if self._bars:
            logging.enable_progress_bar()
