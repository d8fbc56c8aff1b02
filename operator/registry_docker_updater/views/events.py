"""Events as people and programs see them."""

from registry_docker_updater.storage.events import KeptEvent
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import Row, moment


def events(storage: Storage, limit: int) -> list[Row]:
    """Return the newest ``limit`` events, newest first: pushes, and what nobody could read."""
    return [_event(one) for one in storage.events.newest_events(limit)]


def _event(one: KeptEvent) -> Row:
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
        "content": one.content,
    }
