# SPDX-License-Identifier: Apache-2.0
"""A socket between an updater and its engine, at which a test can cut, delay and kill at any request."""

import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Self

_VERSION = re.compile(r"^/v[0-9.]+")


@dataclass(frozen=True)
class Request:
    """One request that changes something: ``number`` counts them from 1."""

    number: int
    method: str
    path: str
    process: int
    """Id of the process that asks."""

    @property
    def verb(self) -> str:
        """What is asked, without ids and names: "POST /containers/stop"."""
        return re.sub(
            r"^(\w+ /\w+)/[^/?]+(/\w+)?(\?.*)?$", r"\1\2", f"{self.method} {self.path}".partition("?")[0]
        )


Hook = Callable[[Request], str | None]
"""Called before and after a change is passed on; "drop" closes the connection instead of going on."""


def parent_of(process: int) -> int:
    """The process that started another one: of an updating one, who watches over it."""
    status = Path(f"/proc/{process}/status").read_text()
    (parent,) = re.findall(r"^PPid:\s*(\d+)$", status, re.MULTILINE)
    return int(parent)


def is_change(method: str, path: str) -> bool:
    return method not in {"GET", "HEAD"} and not path.startswith("/images/create")


class Proxy:
    """Passes requests on, one per connection as the updater makes them. Use it in a with statement."""

    def __init__(self, path: Path, engine: str) -> None:
        self.address = f"unix://{path}"
        self.changes: list[Request] = []
        self.before: Hook = lambda _: None
        self.after: Hook = lambda _: None
        self._engine = engine.removeprefix("unix://")
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    proxy._pass(self.request)

        class Server(ThreadingMixIn, UnixStreamServer):
            daemon_threads = True
            block_on_close = False

        path.unlink(missing_ok=True)
        self._server = Server(str(path), Handler)

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass(self, client: socket.socket) -> None:
        head, body = _read(client)
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        path = _VERSION.sub("", target)
        request = None
        if is_change(method, path):
            with self._lock:
                request = Request(len(self.changes) + 1, method, path, _process_of(client))
                self.changes.append(request)
            if self.before(request) == "drop":
                return
        answer = self._ask(method, target, head, body)
        if request and self.after(request) == "drop":
            return
        client.sendall(answer)

    def _ask(self, method: str, target: str, head: bytes, body: bytes) -> bytes:
        """Ask the engine on a connection of our own: it is done even when the updater is gone meanwhile."""
        connection = http.client.HTTPConnection("localhost", timeout=120)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(self._engine)
        except OSError:
            return b""
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
        try:
            connection.request(method, target, body or None, headers)
            response = connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException):
            return b""
        finally:
            connection.close()
        kept = {
            key: value
            for key, value in response.headers.items()
            if key.lower() not in ("transfer-encoding", "content-length", "connection")
        }
        lines = [
            f"HTTP/1.1 {response.status} {response.reason}",
            *(f"{key}: {value}" for key, value in kept.items()),
        ]
        if method != "HEAD":
            lines.append(f"Content-Length: {len(payload)}")
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + payload


def _process_of(client: socket.socket) -> int:
    size = struct.calcsize("3i")
    process: int = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return process


def _read(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    match = re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)
    length = int(match.group(1)) if match else 0
    while len(body) < length:
        body += client.recv(65536)
    return head, body
