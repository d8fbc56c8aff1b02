# SPDX-License-Identifier: Apache-2.0
"""A way to an engine that leads through bad weather: what happens to the requests that change a service is told here."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_UPDATE = re.compile(rb"POST \S*/services/\S+/update")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    proxy: "Proxy"


class Proxy:
    """Passes everything on to the engine at ``target``.

    The first change of a service that holds ``of`` in its request line is preceded by ``before``, and with ``swallow``
    its answer gets lost.
    """

    def __init__(
        self, target: Path, *, of: bytes = b"", before: Callable[[], object] = int, swallow: bool = False
    ) -> None:
        self.target, self.of, self.before, self.swallow = target, of, before, swallow
        self.changes: list[bytes] = []

    @contextmanager
    def at(self, path: Path) -> Iterator[Path]:
        """Listen at ``path`` for the length of a with block."""
        with _Server(str(path), _Handler) as server:
            server.proxy = self
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield path
            finally:
                server.shutdown()


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        proxy = self.server.proxy
        line = self.rfile.readline()
        headers = list(iter(self.rfile.readline, b"\r\n"))
        length = next(
            (int(head.split(b":")[1]) for head in headers if head.lower().startswith(b"content-length")), 0
        )
        body = self.rfile.read(length)
        first = False
        if _UPDATE.match(line):
            first = proxy.of in line and not any(proxy.of in change for change in proxy.changes)
            proxy.changes.append(line)
        if first:
            proxy.before()
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(str(proxy.target))
            engine.sendall(line + b"Connection: close\r\n" + b"".join(headers) + b"\r\n" + body)
            answer = b"".join(iter(lambda: engine.recv(65536), b""))
        if not (first and proxy.swallow):
            self.wfile.write(answer)
