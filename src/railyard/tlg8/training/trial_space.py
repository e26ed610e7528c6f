"""What the trials of a search vary, and the training config that a proposal means.

Features come in groups, each of which a trial takes under a transform or leaves out: all together stay below the 256
values that the source allows. Axes are those of `core/sweeping/space.py`.
"""

from collections.abc import Mapping
from typing import Any

from railyard.core.sweeping.space import Axis, Choice, Interval
from railyard.tlg8.ranking.modes import Mode

OFF, PLAIN = "off", "plain"
GROUPS = {  # name: keys of the catalogue, 178 values in all
    "energies": ("score_residual_energy_by_predictor", "score_best_residual_energy", "score_best_filtered_energy"),
    "filter_energies": ("score_filtered_energy_min_by_filter",),
    "class_energies": (
        "score_filtered_energy_min_by_perm",
        "score_filtered_energy_min_by_primary",
        "score_filtered_energy_min_by_secondary",
    ),
    "variation": ("reorder_tv_mean", "reorder_tv2_mean"),
    "pixel_values": (
        *("pixel_means_4x4", "pixel_dct", "pixel_deviation", "pixel_range"),
        *("pixel_step_right", "pixel_step_down", "pixel_channel_step"),
    ),
}
ANSWERS = (  # 32 values, which the source's own features had
    "score_bits_plain_none_min_by_predictor",
    "score_bits_plain_interleave_min_by_predictor",
    "score_bits_plain_none_min_by_reorder",
    "score_bits_plain_interleave_min_by_reorder",
)
TRANSFORMS = Choice((OFF, PLAIN, "log1p", "sqrt"))
OBJECTIVES: dict[Mode, str] = {
    "strict": "projection.Strict",
    "topk": "projection.TopK",
    "rerank": "tuple_losses.Rerank",
    "ranking": "tuple_losses.SampledSoftmax",
}
HERE = "railyard.tlg8.training"


def axes_of(mode: Mode, allow_answer: bool) -> dict[str, Axis]:
    """The axes by name."""
    axes: dict[str, Axis] = {f"features.{name}": TRANSFORMS for name in GROUPS}
    if allow_answer:
        axes["features.answers"] = TRANSFORMS
    else:  # 51 values: together with the answers there would be too many
        axes["features.neighbours"] = Choice((OFF, PLAIN))
    axes |= {
        "first_width": Choice(("16", "32", "64", "128", "256")),
        "second_width": Choice(("0", "16", "32", "64")),
        "lr": Interval(3e-4, 5e-3, log=True),
    }
    if mode in ("rerank", "ranking"):
        axes |= {"temperature": Interval(1.0, 32.0, log=True), "samples": Choice(("32", "64", "128"))}
    if mode == "rerank":
        axes |= {"candidates": Choice(("512", "1024", "2048", "4096")), "reranker_width": Choice(("64", "128", "256"))}
    return axes


def columns_of(proposal: Mapping[str, Any]) -> list[str]:
    """The feature columns of a proposal."""
    groups = {**GROUPS, "answers": ANSWERS, "neighbours": ("pixels_top_rgb", "pixels_left_rgb", "pixel_topleft_rgb")}
    columns = []
    for name, keys in groups.items():
        transform = proposal.get(f"features.{name}", OFF)
        columns += [key if transform == PLAIN else f"{transform}({key})" for key in keys if transform != OFF]
    return columns


def config_of(
    proposal: Mapping[str, Any],
    mode: Mode,
    data: Mapping[str, Any],
    trainer: Mapping[str, Any],
    patience: int,
    seed: int,
    allow_answer: bool,
) -> dict[str, Any]:
    """The training config of a proposal as plain values; data and trainer: keys that all trials share."""
    features: dict[str, Any] = {"_target_": "railyard.tlg8.features.config.Features", "columns": columns_of(proposal)}
    features["allow_answer"] = allow_answer
    hidden = [int(proposal[name]) for name in ("first_width", "second_width") if int(proposal[name])]
    model: dict[str, Any] = {
        "_target_": f"{HERE}.config.RankerModel",
        "hidden": hidden,
        "optimizer": _optimizer(proposal),
    }
    if "reranker_width" in proposal:
        model["reranker"] = [int(proposal["reranker_width"])]
    callbacks = "railyard.core.training.callbacks.config"
    return {
        "seed": seed,
        "data": {
            **data,
            "_target_": f"{HERE}.config.BlockData",
            "features": features,
        },
        "model": model,
        "objective": _objective(proposal, mode),
        "trainer": {**trainer, "_target_": "lightning.pytorch.Trainer"},
        "callbacks": {
            "saver": {"_target_": f"{callbacks}.Saver", "monitor": _monitor(mode), "mode": "max"},
            "early_stopping": {
                "_target_": "lightning.pytorch.callbacks.EarlyStopping",
                "monitor": "val/loss",
                "patience": patience,
            },
        },
    }


def hit_of(mode: Mode) -> str:
    """The hit rate that trials of a mode are compared by."""
    return "hit@16" if mode == "topk" else "hit@32"


def _monitor(mode: Mode) -> str:
    return f"val/{hit_of(mode)}"


def _optimizer(proposal: Mapping[str, Any]) -> dict[str, Any]:
    return {"_target_": "torch.optim.AdamW", "_partial_": True, "lr": float(proposal["lr"]), "weight_decay": 0.01}


def _objective(proposal: Mapping[str, Any], mode: Mode) -> dict[str, Any]:
    objective: dict[str, Any] = {"_target_": f"{HERE}.{OBJECTIVES[mode]}"}
    if "temperature" in proposal:
        kind = "Near" if mode == "rerank" else "Uniform"
        objective["temperature"] = float(proposal["temperature"])
        objective["sampling"] = {"_target_": f"{HERE}.sampling.{kind}", "count": int(proposal["samples"])}
    if "candidates" in proposal:
        objective["candidates"] = int(proposal["candidates"])
    return objective
