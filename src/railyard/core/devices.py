"""Which device a verb without a Trainer runs on."""

from railyard.core.errors import UserError


def pick(device: str) -> str:
    """`auto` takes CUDA, then MPS, then the CPU; a named device that is absent is a UserError."""
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in present.items() if there)
    if not present[device]:
        raise UserError(f"device={device} is not available here; use device=auto or device=cpu")
    return device
