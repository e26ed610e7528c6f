"""What a server counts, as Prometheus reads it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from railyard.core.errors import UserError

SECONDS = tuple(base * 10.0**power for power in range(-5, 2) for base in (1, 2.5, 5))


class Figures:
    """Counters of one server, in a registry of their own. boards: those answered so far."""

    def __init__(self, buckets: tuple[int, ...]) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "railyard_requests", "Requests by method and outcome.", ["method", "outcome"], registry=registry
        )
        self._boards = Counter("railyard_boards", "Boards answered.", registry=registry)
        self._passes = Counter("railyard_passes", "Passes of the model.", registry=registry)
        self._queue = Histogram(
            "railyard_queue_seconds", "Wait for the first pass.", buckets=SECONDS, registry=registry
        )
        self._compute = Histogram("railyard_compute_seconds", "Time of a pass.", buckets=SECONDS, registry=registry)
        self._rows = Histogram("railyard_pass_boards", "Boards of a pass.", buckets=(1, 4, *buckets), registry=registry)
        self._pending = Gauge("railyard_pending_boards", "Boards of requests without an answer yet.", registry=registry)
        self._queued = Gauge("railyard_queued_boards", "Boards that wait for a pass.", registry=registry)
        self._expired = Gauge(
            "railyard_expired_requests", "Requests whose deadline passed before a pass.", registry=registry
        )
        self.requests = self.boards = self.passes = 0

    def read(self, pending: Callable[[], int], queued: Callable[[], int], expired: Callable[[], int]) -> None:
        """Where the gauges are read when Prometheus asks."""
        for gauge, function in ((self._pending, pending), (self._queued, queued), (self._expired, expired)):
            gauge.set_function(function)

    def waited(self, seconds: float) -> None:
        self._queue.observe(seconds)

    def passed(self, boards: int, rows: int, seconds: float) -> None:
        self.passes += 1
        self._passes.inc()
        self._compute.observe(seconds)
        self._rows.observe(boards)

    def ended(self, method: str, outcome: str, boards: int = 0) -> None:
        """A request has its answer, or another end."""
        self.requests += 1
        self.boards += boards
        self._requests.labels(method, outcome).inc()
        self._boards.inc(boards)

    def expose(self, address: str) -> tuple[str, Callable[[], None]]:
        """Answers Prometheus at HOST:PORT, from a thread; the address with the port taken, and how to stop it."""
        host, _, port = address.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host.strip("[]"), self.registry)
        except OSError as fault:
            raise UserError(f"metrics={address}: {(fault.strerror or str(fault)).lower()}; give another port") from None

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return f"{host}:{server.server_port}", stop
