"""Events as people and programs see them."""

import json
from typing import Any

from typing_extensions import TypedDict

from registry_docker_updater.storage.choices import ALL_EVENTS, EventChoice
from registry_docker_updater.storage.events import KeptEvent
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import moment

# How many characters of what nobody could read a listing holds: enough to tell what it is.
LONGEST_LISTED = 2000


class EventRow(TypedDict):
    """What a registry sent: a push, or what nobody could read, whose beginning is in ``content``.

    ``waits`` tells that the registry is to be asked whether it is so, ``reason`` why it is not believed, or cannot be read.
    """

    id: int
    registry: str
    key: str
    kind: str
    received_at: str
    occurred_at: str | None
    repository: str | None
    tag: str | None
    digest: str | None
    actor: str | None
    reason: str | None
    waits: bool
    content: Any
    content_size: int | None
    whole: str | None


class IgnoredRow(TypedDict):
    """How many events of a registry were ignored for one reason, and when first and last."""

    registry: str
    reason: str
    count: int
    first_at: str
    last_at: str


def events(
    storage: Storage, limit: int, before: int | None = None, choice: EventChoice = ALL_EVENTS
) -> list[EventRow]:
    """Return the newest ``limit`` events of a ``choice`` that came ``before`` the one with that number, newest first."""
    return [_event(one) for one in storage.events.newest_events(limit, LONGEST_LISTED, before, choice)]


def event(storage: Storage, number: int) -> EventRow:
    """Return one event, whole; raises :class:`~registry_docker_updater.errors.NothingKnown`."""
    return _event(storage.events.event(number))


def ignored(storage: Storage) -> list[IgnoredRow]:
    """Return how many events were ignored, by registry and reason."""
    return [
        {
            "registry": one.registry,
            "reason": one.reason,
            "count": one.count,
            "first_at": moment(one.first_at),
            "last_at": moment(one.last_at),
        }
        for one in storage.events.ignored()
    ]


def _event(one: KeptEvent) -> EventRow:
    content, size = one.content, one.content_size
    is_cut = content is not None and size is not None and len(content) < size
    return {
        "id": one.id,
        "registry": one.registry,
        "key": one.key,
        "kind": one.kind,
        "received_at": moment(one.received_at),
        "occurred_at": moment(one.occurred_at),
        "repository": one.repository,
        "tag": one.tag,
        "digest": one.digest,
        "actor": one.actor,
        "reason": one.reason,
        "waits": one.waits,
        "content": json.loads(content) if content and not is_cut else content,
        "content_size": size,
        "whole": f"registry-docker-updater events {one.id} --json" if is_cut else None,
    }
