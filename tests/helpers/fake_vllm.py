"""A server that answers as vLLM does, as far as rollouts ask it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


class FakeVllm:
    """`answer`: the reply to a chat request. `failures`: status codes that the next requests get instead."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.answer, self.failures = answer, list[int]()
        self.asked: list[tuple[str, Any]] = []
        self.lock = Lock()
        self.url = ""

    def reply(self, path: str, body: Any) -> tuple[int, bytes]:
        with self.lock:
            self.asked.append((path, body))
            if self.failures:
                return self.failures.pop(0), b'{"error": "not now"}'
        if path == "/v1/models":
            return 200, b'{"data": [{"id": "detector"}]}'
        if path == "/v1/chat/completions":
            return 200, json.dumps(self.answer(body)).encode()
        return 200, b""

    def bodies(self, path: str) -> list[Any]:
        return [body for asked, body in self.asked if asked == path]


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Any]) -> Iterator[FakeVllm]:
    fake = FakeVllm(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = fake.reply(self.path, json.loads(data) if data else None)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
