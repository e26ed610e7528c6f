"""Models of the Hugging Face hub as folders on this machine: weights as safetensors and JSON, nothing that runs."""

from pathlib import Path

from railyard.core.errors import UserError

FILES = ("*.json", "*.safetensors", "*.jinja")


def download(name: str, revision: str) -> Path:
    """The folder of a model at a commit or tag, downloaded unless it is there. UserError where it cannot be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise UserError(
            f"{name} at revision {revision} cannot be had from the hub ({reason}): check both, or download it "
            "elsewhere and give its folder with railyard.stage2.model.config.Folder"
        ) from fault
