"""Our own format, for scripts and CI: ``{"repository": "team/app", "tag": "1.4"}``, or a list of such.

``digest`` is what was pushed; without it, the registry is asked. ``time`` is when, as RFC 3339 writes it, ``actor`` who,
and ``id`` what repeats of one event have in common and no other event has: without it they are told apart by ``time``,
and without either, each is new. All are text, null is as good as missing, and whatever else there is makes an event
unreadable: a misspelt field must not vanish.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import (
    UNKNOWN_TIME,
    fingerprint,
    moment,
    text,
    why_no_image,
)
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import any_of, in_header, knows_secret
from registry_docker_updater.core.events.pushes import (
    Event,
    Ignored,
    Malformed,
    Push,
    Unreadable,
    UnresolvedPush,
)
from registry_docker_updater.core.references import InvalidReference

_FIELDS = ("repository", "tag", "digest", "time", "actor", "id")

_SNIPPET = """\
# In a script or CI, after each push to {name}; replace SECRET by the secret that the settings name. What else can be
# sent: "digest" ("sha256:..."; without it, the registry is asked), "time" ("2026-11-22T10:59:05Z"), "actor", and "id",
# which repeats of one event have in common; several at once as a list
curl --fail --retry 5 --request POST {address} \\
  --header 'Authorization: Bearer SECRET' \\
  --header 'Content-Type: application/json' \\
  --data '{{"repository": "team/app", "tag": "1.4"}}'
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event, or a list of events; raises :class:`Malformed` when it is neither."""
    body = delivery.content
    if not isinstance(body, dict | list):
        raise Malformed('expected {"repository": ..., "tag": ...}, or a list of such')
    return [_event(registry, event) for event in (body if isinstance(body, list) else [body])]


def _event(registry: str, event: Any) -> Event:
    if wrong := _wrong_with(event):
        return Unreadable(wrong, event)
    if event.get("tag") and (reason := why_no_image(event["tag"])):
        return Ignored(reason)
    try:
        return _push(registry, event)
    except (InvalidReference, Malformed) as error:
        return Unreadable(str(error), event)


def _wrong_with(event: Any) -> str | None:
    if not isinstance(event, dict):
        return "an event that is no object"
    unknown = [name for name in event if name not in _FIELDS]
    if unknown:
        names = ", ".join(f"{name!r:.40}" for name in unknown[:5])
        return f"unknown fields: {names}; there are {', '.join(_FIELDS)}"
    wrong = [name for name, value in event.items() if not isinstance(value, str | None)]
    return f"not text: {', '.join(wrong)}" if wrong else None


def _push(registry: str, event: Mapping[str, Any]) -> Push | UnresolvedPush:
    repository, tag, digest = (text(event, name) or "" for name in ("repository", "tag", "digest"))
    identity, actor = text(event, "id"), text(event, "actor")
    occurred_at = UNKNOWN_TIME if event.get("time") is None else moment(event["time"])
    if event.get("digest") is None:
        key = fingerprint(identity, repository, tag) if identity else ""
        return UnresolvedPush(registry, repository, tag, occurred_at, key, actor)
    mark = identity or _mark(occurred_at)
    return Push(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=digest,
        occurred_at=occurred_at,
        key=fingerprint(mark, repository, tag, digest) if mark else "",
        actor=actor,
    )


def _mark(occurred_at: datetime) -> str:
    return "" if occurred_at == UNKNOWN_TIME else occurred_at.isoformat()


FORMAT = Format(
    "generic",
    read,
    any_of(knows_secret, in_header("x-registry-docker-updater-secret")),
    insists=False,
    snippet=_SNIPPET,
)
