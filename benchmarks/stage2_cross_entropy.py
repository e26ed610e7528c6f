"""Cross-entropy over the vocabulary of a real model: memory of one step beside its inputs, time beside the formula.

The memory is that of two processes, one that makes the hidden states and the matrix and one that also uses them; the
time is CPU time of one thread, on fewer rows, since the formula's logits for all 12,000 need 7.3 GB more than once.
"""

import sys
import time
from collections.abc import Callable

from benchmarks.anonymous import peak_kib
from benchmarks.figure import Figure

ROWS, VOCABULARY, FEATURES = 12_000, 152_670, 2048
FEW_ROWS, FEW_FEATURES = 500, 512
LIMIT = 1e9
MAKE = """
import torch
from railyard.stage2.objective.cross_entropy import token_nll
hidden = torch.empty({rows}, {features}, dtype=torch.bfloat16).uniform_(-1, 1).requires_grad_()
output = torch.empty({vocabulary}, {features}, dtype=torch.bfloat16).uniform_(-0.1, 0.1).requires_grad_()
labels = torch.randint({vocabulary}, ({rows},))
"""
USE = MAKE + "token_nll(hidden, output, labels).mean().backward()\n"


def measure() -> list[Figure]:
    sizes = {"rows": ROWS, "vocabulary": VOCABULARY, "features": FEATURES}
    inputs, all_in = (1024 * peak_kib([sys.executable, "-c", code.format(**sizes)]) for code in (MAKE, USE))
    used, logits = all_in - inputs, 4 * ROWS * VOCABULARY
    ours, plain = _seconds()
    note = f"{ROWS:,} x {VOCABULARY:,}, {FEATURES} features, bf16, both gradients included"
    few = f"{FEW_ROWS:,} x {VOCABULARY:,}, {FEW_FEATURES} features, bf16, CPU time of one thread"
    return [
        Figure(
            "cross-entropy, memory beside its inputs",
            used / 1e6,
            "MB",
            f"<= {LIMIT / 1e6:,.0f} MB",
            used <= LIMIT,
            "one full logit tensor in float32",
            logits / used,
            note,
        ),
        Figure(
            "cross-entropy, forward and backward",
            1000 * ours,
            "ms",
            "<= 1.5 of the formula",
            ours <= 1.5 * plain,
            "the formula on all logits at once",
            plain / ours,
            few,
        ),
    ]


def _seconds() -> tuple[float, float]:
    """Of the blockwise and of the plain form, the best of three."""
    import torch
    from torch.nn.functional import cross_entropy

    from railyard.stage2.objective.cross_entropy import token_nll

    hidden = torch.randn(FEW_ROWS, FEW_FEATURES).bfloat16().requires_grad_()
    output = (torch.randn(VOCABULARY, FEW_FEATURES) / 16).bfloat16().requires_grad_()
    labels = torch.randint(VOCABULARY, (FEW_ROWS,))

    def ours() -> None:
        torch.autograd.grad(token_nll(hidden, output, labels).mean(), (hidden, output))

    def plain() -> None:
        torch.autograd.grad(cross_entropy((hidden @ output.T).float(), labels), (hidden, output))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = _best(ours), _best(plain)
    torch.set_num_threads(threads)
    return seconds


def _best(work: Callable[[], None]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
