"""`railyard export format=hf`: a model folder that transformers loads without Railyard, checked by loading it.

    OUT/config.json, model.safetensors, tokenizer.json, chat_template.jinja, preprocessor_config.json, …
    OUT/provenance.json, OUT/manifest.json

A run's `init/` has adapters merged already; what is added is the proof: the folder takes its place once transformers'
own forward of it gives the logits of ours.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from railyard.core.errors import RailyardError
from railyard.core.making.outputs import finished_before, publish, write_manifest
from railyard.core.making.work_folder import work_folder
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable
from railyard.stage2.language.chat import encode_prompt
from railyard.stage2.model import files, folders, pictures
from railyard.stage2.model.answers import answers
from railyard.stage2.model.build import build
from railyard.stage2.model.config import Folder, Network
from railyard.stage2.model.detector import Detector

SCHEMA_VERSION = 1
TOLERANCE = 1e-4  # of the largest logit, or of 1 where that is less
SIDES = (64, 96)  # pixels of the image that is compared
ANSWER = '{"object_1": {"desc": "'


def export_hf(init: Path, out: Path, command: list[str]) -> dict[str, Any]:
    """Writes the folder `out`; what it holds. UserError for a folder of another kind or if `out` is occupied."""
    files.check(init)
    origin = {"kind": "hf", "hf_version": SCHEMA_VERSION, "fingerprint": files.fingerprint(init)}
    said = {"out": str(out), "fingerprint": origin["fingerprint"]}
    if finished_before(out, origin, "the export of this model"):
        return {**said, "already_there": True}
    detector = build(Network(weights=Folder(folder=init))).eval()
    with work_folder(out, origin) as work:
        folder = work / "model"
        folders.write(folder, detector)
        difference = _compare(detector, folder)
        facts: dict[str, Any] = {"init": str(init), "fingerprint": origin["fingerprint"]}
        facts["largest_difference"] = difference
        durable.write_json(folder / "provenance.json", provenance(command, None, **facts))
        write_manifest(folder, origin)
        publish(folder, out)
    return {**said, "largest_difference": difference}


@torch.no_grad()
def _compare(detector: Detector, folder: Path) -> float:
    """The largest difference of logits, ours and transformers' own; RailyardError beyond the tolerance."""
    image = np.random.default_rng(0).integers(0, 256, (*SIDES, 3), dtype=np.uint8)
    patches = pictures.cut(image)
    prompt = encode_prompt(int(patches.grid_3.prod()) // 4, detector.vocabulary)
    answer = detector.vocabulary.encode(ANSWER)
    session = detector.begin([prompt], pictures.batch([patches]))
    ours = session.states(answers([answer]))[0] @ session.output_VH.T
    theirs = _plain(folder, np.concatenate([prompt, answer]), patches)[len(prompt) - 1 :]
    difference = float((ours - theirs).abs().max())
    if difference > TOLERANCE * max(1.0, float(ours.abs().max())):
        raise RailyardError(f"the exported model differs from the run's by {difference:.2g}: nothing was written")
    return difference


def _plain(folder: Path, ids: Any, patches: pictures.Patches) -> Tensor:
    """Logits [T, V] of transformers' own forward."""
    from transformers import Qwen3VLForConditionalGeneration

    with folders.quiet_transformers():
        model: Any = Qwen3VLForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    ids_1T = torch.from_numpy(ids)[None]
    logits: Tensor = model(
        input_ids=ids_1T,
        mm_token_type_ids=(ids_1T == model.config.image_token_id).int(),
        pixel_values=torch.from_numpy(patches.patches_PC),
        image_grid_thw=torch.from_numpy(patches.grid_3)[None],
    ).logits[0]
    return logits
