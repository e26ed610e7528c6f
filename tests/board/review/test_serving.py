"""`railyard review` as a process: its address, its answers over a socket, a signal that drains, exit code 0."""

import json
import os
import signal
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from reviewed import FOREIGN, PACK, TOKENIZER

from railyard.board.review.serving import listening
from railyard.core.errors import UserError

BOARD = [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]
PATIENCE = 600  # seconds, for a machine that is busy: nothing is compiled yet for the first request


def test_where_nobody_can_listen_is_told():
    with listening("127.0.0.1", 0) as held, pytest.raises(UserError, match=r"cannot listen at 127\.0\.0\.1"):
        listening("127.0.0.1", held.getsockname()[1])
    with pytest.raises(UserError, match=r"cannot listen at 192\.0\.2\.1:0: .*; give another port="):
        listening("192.0.2.1", 0)


def address_of(folder, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        for file in folder.glob("outputs/review/board/*/log.txt"):
            if "SERVING" in file.read_text():
                return (file.parent / "address.txt").read_text().strip()
        time.sleep(0.02)
    process.kill()
    raise AssertionError(process.stderr.read())


def answered(request):
    """The answer, asked for again as long as what it needs is being made."""
    while True:
        try:
            return urlopen(request, timeout=PATIENCE)
        except HTTPError as fault:
            if fault.code != 503:
                raise
            time.sleep(0.2)


def asked(address, head, path, **keys):
    """What a POST of these keys is answered."""
    body = {"board": BOARD, **keys}
    request = Request(f"{address}{path}", json.dumps(body).encode(), {**head, "content-type": "application/json"})
    with answered(request) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_it_answers_drains_and_ends_with_0(tmp_path):
    (tmp_path / "token").write_text("secret\n")
    words = [f"pool={PACK}", f"annotations={FOREIGN}", f"tokenizer={TOKENIZER}", "port=0", "json=true"]
    command = [sys.executable, "-m", "railyard.cli", "review", *words, f"token_file={tmp_path / 'token'}"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address = address_of(tmp_path, process)
            head = {"authorization": "Bearer secret"}
            with urlopen(Request(f"{address}/health", headers=head), timeout=PATIENCE) as answer:
                assert json.load(answer)["status"] == "ok"
            with urlopen(f"{address}/", timeout=PATIENCE) as page:
                assert page.status == 200
            assert asked(address, head, "/analyze", depth=2)["teacher"]["depth"] == 2
            compiled = {*(tmp_path / "cache").rglob("*.nbc")}
            for player in ("random", "teacher"):
                assert asked(address, head, "/analyze/rollouts", moves=[1], games=1, player=player)["moves"]
            assert {*(tmp_path / "cache").rglob("*.nbc")} == compiled  # by another process, when this one began
            lines = {**head, "accept": "application/x-ndjson"}
            with answered(Request(f"{address}/runs/0", headers=lines)) as answer:
                answer.readline()
                process.send_signal(signal.SIGTERM)  # an answer that has begun is sent to its end
                *_, last = answer.read().splitlines()
            assert json.loads(last) == {"next": None}
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
        out, err = process.stdout.read(), process.stderr.read()
    assert json.loads(out.splitlines()[-1])["address"] == address
    assert f"address: {address}" in err
    assert "Traceback" not in err
    assert "secret" not in out + err
