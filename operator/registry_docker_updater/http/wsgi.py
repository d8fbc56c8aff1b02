"""Calling a WSGI application for a request that is here as a whole (PEP 3333)."""

import io
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from registry_docker_updater.http.head import Answer, Head
from registry_docker_updater.http.refusals import place

_log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Errors(io.TextIOBase):
    """Where an application writes what goes wrong, which else would be the raw standard error."""

    def write(self, text: str) -> int:
        if text.strip():
            _log.error("%s", text.strip())
        return len(text)


def call(
    application: Application, head: Head, body: bytes, more: Mapping[str, Any] = MappingProxyType({})
) -> Answer:
    """Return what ``application`` answers; a bug of it is logged and answered 500.

    ``more`` is what its environment holds besides.
    """
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:  # noqa: ARG001
        started[:] = [(status, headers)]
        return written.append

    written: list[bytes] = []
    try:
        parts = application({**_environment(head, body), **more}, start)
        try:
            written.extend(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
        (answer,) = started
    except Exception:  # what a bug leaves unanswered would hold its peer
        _log.exception("cannot answer %s %s", head.method, ascii(place(head.path)))
        return Answer.of_refusal(500, "internal error")
    return Answer(*answer, b"".join(written))


def _environment(head: Head, body: bytes) -> dict[str, Any]:
    environment = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "SERVER_NAME": head.peer.server[0],
        "SERVER_PORT": str(head.peer.server[1]),
        "SERVER_PROTOCOL": f"HTTP/{head.version}",
        "REMOTE_ADDR": head.peer.address,
        "REMOTE_PORT": str(head.peer.port),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": head.peer.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head.headers.items():
        if name == "content-type":
            environment["CONTENT_TYPE"] = value
        elif name not in ("content-length", "transfer-encoding"):
            environment[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return environment
