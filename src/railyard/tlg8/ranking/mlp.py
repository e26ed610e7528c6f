"""Inference of MLP heads without torch: compiled, every sum in the order of its terms, nothing fused or reordered.

A row's logits are therefore the same bits in any batch, on any number of threads and on any machine. Hidden layers end
in ReLU, the last one in nothing. Inputs are normalised first: (x - mean) / scale, and 0 where x is NaN, not known.

Shapes: N blocks, D inputs, L logits of all heads side by side.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from railyard.core.arrays import F32, I64, Int
from railyard.core.compiled import inner, njit
from railyard.core.store.workers import cores
from railyard.tlg8.ranking.heads import CLASSES

ROWS_A_THREAD = 2048
Layers = Sequence[tuple[F32, F32]]  # weights [out, in] and bias [out] of each


@dataclass(frozen=True, eq=False)
class Network:
    """Independent MLPs over the same inputs, by the name of their head; what was normalised with what."""

    heads: Mapping[str, Layers]
    mean_D: F32
    scale_D: F32

    @property
    def parameters(self) -> dict[str, int]:
        """Number of parameters by head."""
        return {name: sum(w.size + b.size for w, b in layers) for name, layers in self.heads.items()}

    def logits(self, inputs_ND: F32, threads: int | None = 1) -> F32:
        """Logits float32 [N, L] of inputs float32 [N, D]; threads: None is one a core."""
        inputs_ND = np.ascontiguousarray(inputs_ND, np.float32)
        out_NL = np.empty((len(inputs_ND), sum(CLASSES[name] for name in self.heads)), np.float32)
        weights, shapes = self._packed()
        starts = range(0, len(inputs_ND), ROWS_A_THREAD)
        parts = [slice(start, start + ROWS_A_THREAD) for start in starts]

        def work(part: slice) -> None:
            _forward(inputs_ND[part], self.mean_D, self.scale_D, weights, shapes, out_NL[part])

        if threads == 1:
            for part in parts:
                work(part)
        else:
            with ThreadPoolExecutor(threads or cores()) as pool:
                list(pool.map(work, parts))
        return out_NL

    def _packed(self) -> tuple[F32, I64]:
        """All weights in one array, a layer as [in, out] and its bias after it; and layers [in, out, is last]."""
        flat, shapes = [], []
        for layers in self.heads.values():
            for place, (weight, bias) in enumerate(layers):
                flat += [np.ascontiguousarray(weight.T, np.float32).ravel(), np.asarray(bias, np.float32)]
                shapes.append((weight.shape[1], weight.shape[0], place == len(layers) - 1))
        return np.concatenate(flat), np.array(shapes, np.int64)


@njit()
def _forward(inputs_ND: F32, mean: F32, scale: F32, weights: F32, shapes: I64, out_NL: F32) -> None:
    widest = inputs_ND.shape[1]
    for layer in range(len(shapes)):
        widest = max(widest, shapes[layer, 1])
    normalised = np.empty(inputs_ND.shape[1], np.float32)
    before, after = np.empty(widest, np.float32), np.empty(widest, np.float32)
    for row in range(len(inputs_ND)):
        for i in range(len(normalised)):
            known = not np.isnan(inputs_ND[row, i])
            normalised[i] = (inputs_ND[row, i] - mean[i]) / scale[i] if known else np.float32(0)
        first: Int = np.int64(0)  # no literal: _layer would be compiled for it as well
        column, is_first = 0, True
        for layer in range(len(shapes)):
            wide, high, is_last = shapes[layer, 0], shapes[layer, 1], shapes[layer, 2] == 1
            values = normalised if is_first else before
            first = _layer(values, weights, first, wide, high, after)
            is_first = is_last
            if is_last:
                out_NL[row, column : column + high] = after[:high]
                column += high
            else:
                for j in range(high):
                    before[j] = max(after[j], np.float32(0))


@inner()
def _layer(values: F32, weights: F32, first: Int, wide: Int, high: Int, out: F32) -> int:
    """bias + sum over the inputs in their order, for each output; where the next layer's weights begin."""
    bias = first + wide * high
    out[:high] = weights[bias : bias + high]
    for i in range(wide):
        value, row = values[i], weights[first + i * high : first + (i + 1) * high]
        for j in range(high):
            out[j] += value * row[j]
    end: int = bias + high
    return end
