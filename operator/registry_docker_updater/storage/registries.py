"""What is kept of registries: when each told of something last, and which pushes none told of."""

from collections.abc import Mapping

from sqlalchemy import case, func, or_, select

from registry_docker_updater.core.events.pushes import BY_HAND
from registry_docker_updater.core.schedules.registries import Heard
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.claims import FOUND, MISSED
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import by_no_index


class RegistryStore:
    """Tells of registries by their events."""

    def __init__(self, connections: Connections) -> None:
        """Read them through ``connections``."""
        self._connections = connections

    def heard(self, after: int = 0) -> Mapping[str, Heard]:
        """Return what each registry told of, by name, in events ``after`` the one with that number."""
        e = tables.events.c
        is_sent = ~or_(e.key.startswith(FOUND), e.key.startswith(BY_HAND))
        is_push = e.kind != tables.UNREADABLE
        query = (
            select(
                e.registry,
                func.coalesce(func.max(case((is_push, e.id))), 0).label("event"),
                func.max(case((is_push, e.received_at))).label("told_at"),
                func.max(e.received_at).label("heard_at"),
            )
            .where(e.id > after, is_sent)
            .group_by(by_no_index(e.registry))
        )
        with self._connections.reading() as connection:
            return {
                row.registry: Heard(row.event, row.told_at, row.heard_at) for row in connection.execute(query)
            }

    def ignored_at(self) -> Mapping[str, Heard]:
        """Return when each registry sent something last that asks for nothing, by name."""
        i = tables.ignored.c
        query = select(i.registry, func.max(i.last_at).label("at")).group_by(i.registry)
        with self._connections.reading() as connection:
            return {row.registry: Heard(heard_at=row.at) for row in connection.execute(query)}

    def missed(self, registry: str, after: int) -> Heard:
        """Return how many pushes of a registry the sweep found, since the event with the number ``after``, that were missed."""
        e = tables.events.c
        query = select(func.count(), func.min(e.received_at)).where(
            e.registry == registry, e.key >= MISSED, e.key < f"{MISSED}g", e.id > after
        )
        with self._connections.reading() as connection:
            count, since = connection.execute(query).one()
        return Heard(missed=count, missed_since=since)
