"""Model folders as transformers reads them: config, weights with all adapters merged, tokenizer, chat template.

A run's `init/`, what a server of rollouts is given, and what `railyard export format=hf` writes are such folders.
Nothing of a folder is run: weights are safetensors, the rest is JSON.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from railyard.core import package
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.stage2.language import chat, tokenizer
from railyard.stage2.language.vocabulary import IM_END
from railyard.stage2.model.adapters import merged_weights
from railyard.stage2.model.detector import Detector
from railyard.stage2.model.files import CONFIG, WEIGHTS, check, fingerprint
from railyard.stage2.model.pictures import FRAMES, PATCH
from railyard.stage2.scenes.resize import FACTOR

KIND = "stage2_model"
ARCHITECTURE = "Qwen3VLForConditionalGeneration"
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
        durable.write_json(new / CONFIG, _config(detector.model))
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


def load(folder: Path, dtype: str, attention: str) -> Any:
    """The transformers model of a folder; UserError where it lacks weights, has others, or cannot be read."""
    from safetensors import SafetensorError
    from transformers import Qwen3VLForConditionalGeneration

    check(folder)
    try:
        with quiet_transformers():
            loaded: Any = Qwen3VLForConditionalGeneration.from_pretrained(
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
    model, found = loaded
    for word, names in (("lacks", found["missing_keys"]), ("has unknown", found["unexpected_keys"])):
        if names:
            told = ", ".join(sorted(map(str, names))[:SHOWN])
            raise UserError(f"{folder} {word} weights ({told}{', …' if len(names) > SHOWN else ''}): copy it again")
    return model


def _config(model: Any) -> dict[str, Any]:
    """What transformers and servers read; equal for a model that was made and the same model read again."""
    config: dict[str, Any] = json.loads(model.config.to_json_string(use_diff=True))
    dtype = str(model.dtype).removeprefix("torch.")
    for part in (config, config["text_config"], config["vision_config"]):
        part["dtype"] = dtype
    config["architectures"] = [ARCHITECTURE]
    return dict(json.loads(json.dumps(config, sort_keys=True)))


def _generation(detector: Detector) -> dict[str, Any]:
    (pad,) = detector.vocabulary.encode(tokenizer.PAD)
    return {"eos_token_id": detector.tokenizer.token_to_id(IM_END), "pad_token_id": pad, "do_sample": False}


class quiet_transformers:
    """No progress bars and no advice of transformers inside."""

    def __enter__(self) -> None:
        logging = _logging()
        self._verbosity, self._bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        logging = _logging()
        logging.set_verbosity(self._verbosity)
        if self._bars:
            logging.enable_progress_bar()


def _logging() -> Any:
    from transformers.utils import logging

    return logging
