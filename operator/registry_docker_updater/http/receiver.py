"""The HTTP interface, on Bottle: events in, listings out.

A registry waits while it is answered and Distribution holds back everything behind a refusal, so an event is
only bounded, authenticated, read and committed here. Whatever follows from it happens elsewhere.
"""

import hmac
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bottle import Bottle, HTTPError, HTTPResponse, request, response

from registry_docker_updater.clock import Clock, utc_now
from registry_docker_updater.core.events.delivery import read
from registry_docker_updater.core.events.formats import Format
from registry_docker_updater.core.events.pushes import Malformed, Unreadable
from registry_docker_updater.errors import NothingKnown, StoreUnavailable
from registry_docker_updater.storage.rollouts import Store
from registry_docker_updater.views.listings import Listings, fleet_rows

_log = logging.getLogger(__name__)
_BLOCK = 65536
# A body nobody wanted is thrown away up to this size: a sender that is cut off in the middle sees no answer. What
# is left unread, the server would read into memory as a whole; it hangs up instead when it answers 413.
_LARGEST_DISCARDED = 256 * 2**20
_LISTED = 200


@dataclass(frozen=True)
class Source:
    """A registry that may send: its format, and the secret it must know."""

    name: str
    sender: Format
    secret: str

    def knows(self, given: bytes) -> bool:
        """Tell, in constant time, whether an ``Authorization`` is the secret, alone or after the word Bearer."""
        expected = self.secret.encode()
        return hmac.compare_digest(given, expected) | hmac.compare_digest(given, b"Bearer " + expected)


@dataclass(frozen=True)
class Interface:
    """What the HTTP interface needs: who may send, where to keep it, whom to wake, and what it shows.

    ``outage`` is told of a registry whose event could not be kept.
    """

    sources: Mapping[str, Source]
    body_limit: int
    store: Store
    listings: Listings
    wake: Callable[[], None]
    is_ready: Callable[[], bool]
    outage: Callable[[str], None]
    clock: Clock = utc_now


def application(interface: Interface) -> Bottle:
    """Return the WSGI application."""
    app = Bottle()
    app.default_error_handler = _as_json
    app.add_hook("after_request", _discard)
    listings = interface.listings
    app.route("/events/<registry>", "POST", lambda registry: _receive(interface, registry))
    app.route("/api/events", "GET", lambda: _answer(200, listings.events(_LISTED)))
    app.route("/api/rollouts", "GET", lambda: _answer(200, listings.rollouts(_LISTED)))
    app.route("/api/rollouts/<number:int>", "GET", lambda number: _show_rollout(listings, number))
    app.route("/api/fleet", "GET", lambda: _answer(200, fleet_rows(interface.store.fleet())))
    app.route("/healthz", "GET", lambda: _answer(200, {"status": "alive"}))
    app.route("/readyz", "GET", lambda: _tell_ready(interface.is_ready()))
    return app


def _show_rollout(listings: Listings, number: int) -> HTTPResponse:
    try:
        return _answer(200, listings.rollout(number))
    except NothingKnown as error:
        return _answer(404, {"error": str(error)})


def _tell_ready(ready: bool) -> HTTPResponse:  # noqa: FBT001 - the one thing it tells
    return _answer(200 if ready else 503, {"status": "ready" if ready else "starting or stopping"})


def _receive(interface: Interface, registry: str) -> HTTPResponse:
    source = interface.sources.get(registry)
    if source is None:
        _log.warning("404 for %r from %s: no such registry in the settings", registry, request.remote_addr)
        return _refuse(404, f"no registry {registry!r} in the settings")
    # WSGI gives the bytes of a header as Latin-1. Bottle reads them as UTF-8, which strangers need not send.
    if not source.knows(request.environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")):
        _log.warning("401 for %s from %s: wrong or missing secret", registry, request.remote_addr)
        return _refuse(401, f"wrong or missing Authorization for registry {registry!r}")
    body = _bounded_body(interface.body_limit)
    if body is None:
        _log.error("413 for %s: a body over listen.body_limit (%d bytes)", registry, interface.body_limit)
        return _refuse(
            413, f"the body is larger than {interface.body_limit} bytes; listen.body_limit sets this"
        )
    return _keep(interface, source, body)


def _keep(interface: Interface, source: Source, body: bytes) -> HTTPResponse:
    try:
        reading = read(source.name, source.sender, body)
    except Malformed as error:
        _log.error("400 for %s: %s", source.name, error)
        return _answer(400, {"error": f"not an event of format {source.sender.name}: {error}"})
    for one in reading.kept:
        if isinstance(one, Unreadable):
            _log.error("an event of %s cannot be read and is kept: %s", source.name, one.reason)
    try:
        recorded = interface.store.record(source.name, reading.kept, interface.clock())
    except StoreUnavailable as error:
        _log.error("503 for %s: %s", source.name, error)
        interface.outage(source.name)
        return _answer(503, {"error": "not stored; send it again"})
    if recorded.accepted:
        interface.wake()
    return _answer(
        202,
        {
            "accepted": recorded.accepted,
            "ignored": len(reading.ignored),
            "duplicates": recorded.duplicates,
            "unreadable": recorded.unreadable,
        },
    )


def _bounded_body(limit: int) -> bytes | None:
    """Return the request's body, or None when it is larger than ``limit`` bytes, whatever its headers say."""
    blocks, size = [], 0
    for block in _blocks():
        size += len(block)
        if size > limit:
            return None
        blocks.append(block)
    return b"".join(blocks)


def _refuse(status: int, why: str) -> HTTPResponse:
    return _answer(status, {"error": why})


def _discard() -> None:
    size = 0
    for block in _blocks():
        size += len(block)
        if size > _LARGEST_DISCARDED:
            raise HTTPError(413, "the body is far too large")


def _blocks() -> Any:
    """Yield the body as it comes; the server ends it at its length, or at the last chunk."""
    stream = request.environ["wsgi.input"]
    chunked = "chunked" in request.environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    left = None if chunked else max(0, request.content_length)
    while left is None or left > 0:
        block = stream.read(_BLOCK if left is None else min(_BLOCK, left))
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block


def _answer(status: int, content: Any) -> HTTPResponse:
    body = json.dumps(content, indent=2) + "\n"
    return HTTPResponse(body, status, {"Content-Type": "application/json"})


def _as_json(error: HTTPError) -> str:
    """Answer what Bottle itself refuses, and bugs of ours, in the shape of all other answers."""
    if error.exception:
        _log.error("cannot answer %s", request.path, exc_info=error.exception)
    elif request.method == "POST":
        # Of a registry that was told a wrong address nothing else would be seen.
        _log.warning("%d for POST %r from %s", error.status_code, request.path, request.remote_addr)
    response.content_type = "application/json"
    cause = error.exception
    if isinstance(cause, StoreUnavailable):
        response.status = 503
        return json.dumps({"error": str(cause)})
    return json.dumps({"error": "internal error" if cause else str(error.body)})
