"""What a failed request means: worth repeating, and when; or a sentence for whoever asked."""

import grpc

from railyard.board.inference.client.interface import ServerLost
from railyard.core.errors import RailyardError, UserError

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds
RETRY_AFTER = "retry-after-ms"  # trailing metadata of a server that is full
LONGEST_RETRY_AFTER = 60.0  # seconds; a server does not say how long a client stays
TRANSIENT = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.ABORTED,
)
CORE = "Internal error from Core"  # of gRPC itself, as for a message written while the stream ends
TOO_LARGE = "message larger than max"  # gRPC's words on both sides, with the code of a server that is full
REFUSED = {
    grpc.StatusCode.UNAUTHENTICATED: "wants a token: client.token_file=FILE names the one the server was started with",
    grpc.StatusCode.PERMISSION_DENIED: "does not take this token: client.token_file=FILE has to hold the server's",
    grpc.StatusCode.UNIMPLEMENTED: "does not answer such requests: it is no inference server, or an older one",
}


class Repeatable(RailyardError):
    """A failure that another try may not meet. after: seconds to wait where the server said so; code: gRPC's name."""

    def __init__(self, reason: str, code: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.code, self.after = code, after


def fault_of(error: grpc.aio.AioRpcError, address: str) -> RailyardError:
    """The failure of a call to `address` as what it means; to be raised."""
    code, details = error.code(), error.details() or "no reason given"
    if TOO_LARGE in details:
        return UserError(f"{address}: {details}; ask for fewer boards at a time, or for less about each")
    if code in TRANSIENT or details == CORE:
        return Repeatable(f"{address}: {code.name}, {details}", code.name, _retry_after(error))
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return UserError(f"{address} cannot answer this: {details}")
    if code in REFUSED:
        return UserError(f"{address} {REFUSED[code]} ({details})")
    return ServerLost(f"{address} failed: {code.name}, {details}")


def _retry_after(error: grpc.aio.AioRpcError) -> float | None:
    for key, value in error.trailing_metadata() or ():
        if key == RETRY_AFTER and str(value).isdecimal():
            return min(int(value) / 1000, LONGEST_RETRY_AFTER)
    return None


def wait_after(failures: int) -> float:
    """Seconds before a server is asked again after so many failures in a row, 1 or more."""
    return float(min(FIRST_WAIT * 2.0 ** min(failures - 1, 30), LONGEST_WAIT))
