"""A played engine: an HTTP server on a unix socket that answers as it is told.

It stands in for a Docker engine only where the engine itself is not what a test is about; whether we understand
real engines is tested on the real fleet.
"""

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit


@dataclass
class Answer:
    """What the engine answers: a body as it stands (bytes) or as JSON, or nothing at all but a closed connection."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_off: bool = False


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def what(self) -> str:
        """The path without the API version."""
        return re.sub(r"^/v[0-9.]+(?=/)", "", self.path)


@dataclass
class PlayedEngine:
    """Answers each path with what ``answers`` holds for it: an Answer, or what makes one of the request."""

    socket: Path
    answers: dict[str, Answer | Callable[[Asked], Answer]]
    asked: list[Asked] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.answers.get(asked.what, Answer({"message": f"no such thing: {asked.what}"}, 404))
        return found(asked) if callable(found) else found


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    engine: PlayedEngine


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        engine = cast("_Server", self.server).engine
        answer = engine.answer(Asked(self.command, parts.path, query, dict(self.headers), body))
        self.close_connection = True
        if answer.cut_off and answer.body is None:
            return
        raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **answer.headers}
        self.send_response(answer.status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        # Whoever asks may have gone as soon as it saw the headers.
        with suppress(BrokenPipeError):
            self.end_headers()
            self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names


PING: dict[str, Answer | Callable[[Asked], Answer]] = {
    "/_ping": Answer(b"OK", headers={"Api-Version": "1.47"})
}


@contextmanager
def played_engine(
    socket: Path, answers: dict[str, Answer | Callable[[Asked], Answer]]
) -> Iterator[PlayedEngine]:
    """Serve ``answers`` on ``socket``, a path short enough for one."""
    engine = PlayedEngine(socket, {**PING, **answers})
    with _Server(str(socket), _Handler) as server:
        server.engine = engine
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
            socket.unlink(missing_ok=True)


def container_of(name: str, image: str, image_id: str = "sha256:" + "1" * 64, **more: Any) -> dict[str, Any]:
    """A container as ``/containers/<id>/json`` shows it, as far as a scan reads it."""
    return {
        "Id": f"id-of-{name}",
        "Name": f"/{name}",
        "Image": image_id,
        "Created": "2026-11-22T11:00:00.123456789Z",
        "State": {"Status": "running"},
        "HostConfig": {},
        "Config": {"Image": image, "Labels": {"registry-docker-updater": "true"}},
        **more,
    }


def engine_with(
    *containers: dict[str, Any], digests: tuple[str, ...] = ()
) -> dict[str, Answer | Callable[[Asked], Answer]]:
    """The answers of a standalone engine that runs ``containers``, whose images are known under ``digests``."""
    listed = [{"Id": one["Id"], "Labels": one["Config"]["Labels"]} for one in containers]
    return {
        "/info": Answer(
            {
                "ID": "engine",
                "Name": "solo",
                "ServerVersion": "28.0.0",
                "OSType": "linux",
                "Architecture": "x86_64",
                "SystemTime": "2026-11-22T12:00:00Z",
                "Swarm": {"LocalNodeState": "inactive"},
            }
        ),
        "/containers/json": Answer(listed),
        **{f"/containers/{one['Id']}/json": Answer(one) for one in containers},
        **{f"/images/{one['Image']}/json": Answer({"RepoDigests": list(digests)}) for one in containers},
    }
