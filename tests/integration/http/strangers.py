"""What tests of peers that know no secret have in common."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from integration.http.conftest import Listener

T = TypeVar("T")
POST = b"POST /events/production HTTP/1.1\r\nHost: x\r\nAuthorization: s3cret\r\n"
STRANGER = b"POST /events/production HTTP/1.1\r\nHost: x\r\n"
MIB = 2**20


def connections(listener: Listener) -> int:
    return len(listener.server._entrance.gate)


def silent(listener: Listener) -> socket.socket:
    """A connection that says nothing: not even the handshake."""
    return socket.create_connection(("127.0.0.1", listener.server.port), 20)


def together(does: Callable[[T], bytes], cases: Sequence[T]) -> list[bytes]:
    """What it gives for each case, all of them at the same time."""
    with ThreadPoolExecutor(len(cases)) as threads:
        return list(threads.map(does, cases))
