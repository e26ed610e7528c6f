"""Embeddings of the coordinates for random weights: a smooth code, so that neighbours are alike from the first step.

On a pretrained model `language/extension.py` sets them instead.
"""

import math

import torch
from torch import Tensor

from railyard.stage2.scenes.coordinates import BINS

FREQUENCIES = 16
WIDTH = 2.0  # times the spread of other random rows


def smooth_rows(hidden: int, spread: float) -> Tensor:
    """Rows [1000, hidden]: sines and cosines of the bin, slow ones strong and fast ones weak, in random directions.

    Takes its directions from torch's generator, as all random weights do.
    """
    places_K1 = torch.linspace(0, 1, BINS)[:, None]
    halves_F = torch.arange(1, FREQUENCIES + 1)  # half periods over the image
    angles_KF = math.pi * places_K1 * halves_F
    strengths_F = halves_F.float().rsqrt()
    code_KF = torch.cat([angles_KF.sin() * strengths_F, angles_KF.cos() * strengths_F], dim=1)
    rows_KH = code_KF @ torch.randn(2 * FREQUENCIES, hidden)
    rows_KH -= rows_KH.mean(dim=0)
    return rows_KH * (WIDTH * spread / rows_KH.std())
