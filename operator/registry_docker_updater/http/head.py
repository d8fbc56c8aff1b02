"""The head of a request, as it was read, and what a request is answered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

# What is before all paths of the API.
API = "/api/v1/"


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a connection to ``server``, an address and a port of ours."""

    address: str
    port: int
    scheme: str
    server: tuple[str, int]


@dataclass(frozen=True)
class Head:
    """Method, path, query and headers of a request of ``peer``.

    ``path`` is decoded from its percent signs; it and the headers are their bytes as Latin-1, as WSGI has them.
    ``headers`` are by their names in lower case; what came more than once is joined by commas.
    """

    peer: Peer
    method: str
    path: str
    query: str
    version: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Admission:
    """How many bytes of a request's body are wanted, by its head, and whether that proves who sends it.

    Of what is refused by its head, nothing is wanted. ``limited_by`` says where the limit is from. What ``is_delivery`` is kept
    together with others.
    """

    body_limit: int = 0
    is_proven: bool = False
    limited_by: str = "listen.body_limit sets this"
    is_delivery: bool = False


class Guard(Protocol):
    """Knows who may send what."""

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head."""

    def proves(self, head: Head, body: bytes) -> bool:
        """Tell whether a request of which something is wanted comes from who may send it, now that it is whole."""


def refused(path: str, status: int, why: str) -> tuple[str, Mapping[str, Any]]:
    """Return type and content of what says that something is wrong; of the API, that is problem details (RFC 9457)."""
    if not path.startswith(API):
        return "application/json", {"error": why}
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": why}
    return "application/problem+json", problem


@dataclass(frozen=True)
class Answer:
    """What a request is answered: a status such as ``202 Accepted``, headers, and a body."""

    status: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    @classmethod
    def of_json(cls, status: int, content: Mapping[str, Any], kind: str = "application/json") -> "Answer":
        """Return ``content`` as the answer."""
        body = (json.dumps(content) + "\n").encode()
        return cls(f"{status} {HTTPStatus(status).phrase}", (("Content-Type", kind),), body)

    @classmethod
    def of_refusal(cls, status: int, why: str, path: str = "") -> "Answer":
        """Return the answer to what is wrong with a request for ``path``, in the shape of all other answers there."""
        kind, content = refused(path, status, why)
        return cls.of_json(status, content, kind)

    def written(self, date: str, *, is_last: bool, is_head: bool) -> bytes:
        """Return it as it is sent at ``date``: without its body where only the head was asked for (``is_head``).

        The connection ends after one that ``is_last``.
        """
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        length = lengths[0] if is_head and lengths else f"{len(self.body)}"
        # What is not modified has no content, and the length of none either (RFC 9110, 8.6).
        lengths = [] if self.status.startswith("304") else [f"Content-Length: {length}"]
        head = self._head(date, [*lengths, *(["Connection: close"] if is_last else [])])
        return head if is_head else head + self.body

    def begun(self, date: str) -> bytes:
        """Return it as it is sent at ``date`` when more of its body is to come, until the connection ends."""
        return self._head(date, ["Connection: close"]) + self.body

    def _head(self, date: str, more: Sequence[str]) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status}",
            *(f"{name}: {value}" for name, value in self.headers if name.lower() != "content-length"),
            f"Date: {date}",
            "Server: registry-docker-updater",
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
