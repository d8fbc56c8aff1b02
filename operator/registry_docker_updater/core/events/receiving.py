"""From a delivery to what is kept of it."""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.pushes import Ignored, Malformed, Push, Unreadable, UnresolvedPush

# Header and payload are JSON objects, whose first characters are always the same.
_TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*")


@dataclass(frozen=True)
class ReadDelivery:
    """What a delivery held: events to keep, and the reasons why others are not."""

    kept: tuple[Push | UnresolvedPush | Unreadable, ...]
    ignored: tuple[str, ...] = ()


def read(
    registry: str, sender: Format, delivery: Delivery, *, can_be_asked: bool = True, verify: bool = False
) -> ReadDelivery:
    """Read an authenticated delivery of a registry that ``can_be_asked`` for digests, or not.

    Where it is to ``verify`` what events say, or they are signed, their digests are claims: the registry is asked.

    Of a sender that repeats for ever what is refused, everything is read: what cannot be understood is kept as
    :class:`Unreadable`. Of others, raises :class:`Malformed`.
    """
    try:
        events = sender.read(registry, delivery)
    except Malformed as error:
        if not sender.insists:
            raise
        body = delivery.body.decode("utf-8", "backslashreplace")
        return ReadDelivery((Unreadable(str(error), without_tokens(body)),))
    kept = tuple(_without_tokens(event) for event in events if not isinstance(event, Ignored))
    if can_be_asked and (verify or sender.is_signed):
        mark = f"{_mark(delivery)}/" if sender.is_signed else ""
        kept = tuple(_claim(event, mark) if isinstance(event, Push) else event for event in kept)
    elif sender.is_signed:
        kept = tuple(_once(event, delivery) if isinstance(event, Push) else event for event in kept)
    if not can_be_asked:
        kept = tuple(_unresolvable(event) if isinstance(event, UnresolvedPush) else event for event in kept)
    unreadable = next((event for event in kept if isinstance(event, Unreadable)), None)
    if unreadable and not sender.insists:
        raise Malformed(unreadable.reason)
    return ReadDelivery(kept, tuple(event.reason for event in events if isinstance(event, Ignored)))


def without_tokens(content: Any) -> Any:
    """Return ``content`` without the JSON Web Tokens (RFC 7519) in it, as GitLab sends one of who pushed with each event."""
    if isinstance(content, str):
        return _TOKEN.sub("(a token)", content)
    if isinstance(content, dict):
        return {name: without_tokens(value) for name, value in content.items()}
    return [without_tokens(one) for one in content] if isinstance(content, list) else content


def _without_tokens(event: Push | UnresolvedPush | Unreadable) -> Push | UnresolvedPush | Unreadable:
    return replace(event, content=without_tokens(event.content)) if isinstance(event, Unreadable) else event


def _claim(push: Push, mark: str) -> UnresolvedPush:
    """Return a push of which only the tag is believed: what that names now, the registry is asked.

    A signature is of the body, an id beside it proves nothing: whoever saw it can send it again, and must deploy nothing.
    Nor must somebody take a later delivery's place by its id, so the key has the ``mark`` of the body.
    """
    return UnresolvedPush(
        push.registry,
        push.repository,
        push.tag,
        push.occurred_at,
        key=f"{mark}{push.key}",
        actor=push.actor,
        claimed=push.digest,
    )


def _once(push: Push, delivery: Delivery) -> Push:
    """Return a push of a signed body such that the same body again is no other."""
    return replace(push, key=f"{_mark(delivery)}/{push.repository}:{push.tag}")


def _mark(delivery: Delivery) -> str:
    return hashlib.sha256(delivery.body).hexdigest()


def _unresolvable(event: UnresolvedPush) -> Unreadable:
    name = f"{event.repository}:{event.tag}"
    return Unreadable("no digest in it, and the registry is not asked: its sweep_interval is never", name)
