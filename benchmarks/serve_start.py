"""From the command `railyard serve` to SERVING, a network of the shipped model's size on the CPU: CPU time of the
process until its log says so, against importing torch alone.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import railyard
from benchmarks.figure import Figure, best_rate, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, Pair, multiply_adds

LIMIT, ROUNDS = 6.0, 3  # seconds; the least of the rounds counts, after one that fills the caches of the disk
TORCH = "import time, torch; print(time.process_time())"
SIZE = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 256}
# the server finds Railyard where this process did
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(railyard.__file__).parents[1])}


def measure() -> list[Figure]:
    from railyard.board.model.config import Encoder
    from railyard.board.model.encoder import BoardEncoder
    from railyard.board.model.init_folder import write_init

    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        init = Path(folder, "init")
        write_init(init, BoardEncoder(Encoder(output_n_bins=35, num_key_value_heads=None, **SIZE)), None)
        started = [_started(folder, init) for _ in range(ROUNDS + 1)][1:]
    torch = min(_import_seconds() for _ in range(ROUNDS))
    seconds, wall = (min(column) for column in zip(*started, strict=True))
    speed = best_rate(multiply_adds, clock=time.process_time)
    pair = Pair(1 / seconds, 1 / (seconds * speed))
    note = f"{seconds:.2f} s of CPU time, {wall:.1f} s by the clock at the best of {ROUNDS}"
    name, limit = "from the command to SERVING, on the CPU", SPEED[MULTIPLY_ADDS] * LIMIT
    return [cost(name, pair, MULTIPLY_ADDS, limit, "importing torch", torch / seconds, note)]


def _started(folder: str, init: Path) -> tuple[float, float]:
    """CPU seconds and seconds until a server says SERVING."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "railyard.cli", "serve", f"init={init}", f"uds={folder}/s", "device=cpu"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, **pipes)
    assert process.stderr
    said = next((line for line in process.stderr if "SERVING" in line), None)
    assert said, "the server did not start"
    wall, used = time.perf_counter() - begin, _cpu_seconds(process.pid)
    process.terminate()
    process.communicate()
    return used, wall


def _cpu_seconds(pid: int) -> float:
    """What a running process has used, all threads, user and system."""
    fields = re.sub(r"^.*\) ", "", Path(f"/proc/{pid}/stat").read_text()).split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _import_seconds() -> float:
    return float(subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True, check=True).stdout)
