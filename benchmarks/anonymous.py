"""Peak anonymous memory of a command, polled from outside; pages of mapped files do not count."""

import subprocess
import time
from pathlib import Path

POLL_SECONDS = 0.01


def peak_kib(command: list[str]) -> int:
    """Largest RssAnon of the process in KiB; RuntimeError where the command fails."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, now_kib(process.pid))
            time.sleep(POLL_SECONDS)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {process.returncode}")
    return peak


def now_kib(pid: int) -> int:
    """RssAnon of a living process in KiB, 0 of none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")), 0)
