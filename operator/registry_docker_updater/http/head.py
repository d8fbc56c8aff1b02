"""The head of a request, as it was read, and what a request is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus


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
class Answer:
    """What a request is answered: a status such as ``202 Accepted``, headers, and a body."""

    status: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    @classmethod
    def of_refusal(cls, status: int, why: str) -> "Answer":
        """Return the answer to what cannot be read as a request, in the shape of all other answers."""
        phrase = HTTPStatus(status)
        # Only what stands in this program is written here, never what a peer sent: it needs no escaping.
        body = f'{{"error": "{why}"}}\n'.encode()
        return cls(f"{status} {phrase.phrase}", (("Content-Type", "application/json"),), body)
