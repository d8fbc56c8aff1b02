"""Events as people and programs see them."""

import json

from registry_docker_updater.storage.events import KeptEvent
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import Row, moment

# How many characters of what nobody could read a listing holds: enough to tell what it is.
LONGEST_LISTED = 2000


def events(storage: Storage, limit: int) -> list[Row]:
    """Return the newest ``limit`` events, newest first: pushes, and the beginning of what nobody could read."""
    return [_event(one) for one in storage.events.newest_events(limit, LONGEST_LISTED)]


def event(storage: Storage, number: int) -> Row:
    """Return one event, whole; raises :class:`~registry_docker_updater.errors.NothingKnown`."""
    return _event(storage.events.event(number))


def ignored(storage: Storage) -> list[Row]:
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


def _event(one: KeptEvent) -> Row:
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
