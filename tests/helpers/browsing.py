"""`railyard review` as a process, and the Chromium that shows its pages: for tests of the viewer and screenshots."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE = 120  # seconds: nothing may be compiled yet
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


class Server:
    """A server that can be killed and started again at the same address. words: what it opens, as `root=…`."""

    def __init__(self, words: list[str], work: Path, port: int = 0) -> None:
        self.words, self.work, self.port, self.address = words, work, port, ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        before = set(self.work.glob("outputs/review/board/*"))
        command = [sys.executable, "-m", "railyard.cli", "review", *self.words, f"port={self.port}"]
        with (self.work / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.work, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for folder in set(self.work.glob("outputs/review/board/*")) - before:
                if (folder / "address.txt").is_file() and "SERVING" in (folder / "log.txt").read_text():
                    self.address = (folder / "address.txt").read_text().strip()
                    self.port = int(self.address.rpartition(":")[2])
                    return
            time.sleep(0.05)
        raise AssertionError((self.work / "server.log").read_text())

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def sessions(self) -> list[dict[str, Any]]:
        with urlopen(f"{self.address}/sessions", timeout=PATIENCE) as answer:
            found: list[dict[str, Any]] = json.load(answer)["sessions"]
        return found
