"""The head of a request, as it was read, and what a request is answered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol


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

    Of what is refused by its head, and of what is no delivery, nothing is wanted. ``limited_by`` says where the limit is from.
    """

    body_limit: int = 0
    is_proven: bool = False
    limited_by: str = "listen.body_limit sets this"


class Guard(Protocol):
    """Knows who may send what."""

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head."""

    def proves(self, head: Head, body: bytes) -> bool:
        """Tell whether a request of which something is wanted comes from who may send it, now that it is whole."""


@dataclass(frozen=True)
class Answer:
    """What a request is answered: a status such as ``202 Accepted``, headers, and a body."""

    status: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    @classmethod
    def of_json(cls, status: int, content: Mapping[str, Any]) -> "Answer":
        """Return ``content`` as the answer."""
        body = (json.dumps(content) + "\n").encode()
        return cls(f"{status} {HTTPStatus(status).phrase}", (("Content-Type", "application/json"),), body)

    @classmethod
    def of_refusal(cls, status: int, why: str) -> "Answer":
        """Return the answer to what is wrong, in the shape of all other answers."""
        return cls.of_json(status, {"error": why})

    def written(self, date: str, *, is_last: bool, is_head: bool) -> bytes:
        """Return it as it is sent at ``date``: without its body where only the head was asked for (``is_head``).

        The connection ends after one that ``is_last``.
        """
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        length = lengths[0] if is_head and lengths else f"{len(self.body)}"
        head = self._head(date, [f"Content-Length: {length}", *(["Connection: close"] if is_last else [])])
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
