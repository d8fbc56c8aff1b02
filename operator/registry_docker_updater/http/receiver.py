"""The receiver of events.

A registry waits while it is answered and Distribution holds back everything behind a refusal, so an event is
only bounded, authenticated, read and committed here. Whatever follows from it happens elsewhere.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bottle import HTTPResponse, request

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.pushes import Malformed, Unreadable
from registry_docker_updater.core.events.receiving import read
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.answers import answer, refusal
from registry_docker_updater.http.bodies import bounded_body
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A registry that may send: its format, and the secret it must know."""

    name: str
    sender: Format
    secret: str


@dataclass(frozen=True)
class Receiver:
    """Takes events of ``sources``, whose bodies are ``body_limit`` bytes long at the most.

    ``wake`` is called when there is something new, ``outage`` with the name of a registry whose event could not be kept.
    """

    sources: Mapping[str, Source]
    body_limit: int
    storage: Storage
    wake: Callable[[], None]
    outage: Callable[[str], None]
    clock: Clock

    def receive(self, registry: str) -> HTTPResponse:
        """Answer the request at hand, a delivery of ``registry``: 202 once it is committed."""
        source = self.sources.get(registry)
        if source is None:
            _log.warning(
                "404 for %r from %s: no such registry in the settings", registry, request.remote_addr
            )
            return refusal(404, f"no registry {registry!r} in the settings")
        headers = _headers()
        if not source.sender.proves(headers, source.secret):
            _log.warning("401 for %s from %s: wrong or missing secret", registry, request.remote_addr)
            return refusal(401, f"wrong or missing Authorization for registry {registry!r}")
        body = bounded_body(self.body_limit)
        if body is None:
            _log.error("413 for %s: a body over listen.body_limit (%d bytes)", registry, self.body_limit)
            return refusal(
                413, f"the body is larger than {self.body_limit} bytes; listen.body_limit sets this"
            )
        return self._keep(source, Delivery(body, headers))

    def _keep(self, source: Source, delivery: Delivery) -> HTTPResponse:
        try:
            found = read(source.name, source.sender, delivery)
        except Malformed as error:
            _log.error("400 for %s: %s", source.name, error)
            return refusal(400, f"not an event of format {source.sender.name}: {error}")
        for one in found.kept:
            if isinstance(one, Unreadable):
                _log.error("an event of %s cannot be read and is kept: %s", source.name, one.reason)
        try:
            recorded = self.storage.events.record(source.name, found.kept, self.clock())
        except StoreUnavailable as error:
            _log.error("503 for %s: %s", source.name, error)
            self.outage(source.name)
            return refusal(503, "not stored; send it again")
        if recorded.accepted:
            self.wake()
        return answer(
            202,
            {
                "accepted": recorded.accepted,
                "ignored": len(found.ignored),
                "duplicates": recorded.duplicates,
                "unreadable": recorded.unreadable,
            },
        )


def _headers() -> Mapping[str, str]:
    """Return the request's headers; WSGI gives their bytes as Latin-1, which Bottle would read as UTF-8."""
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in request.environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
