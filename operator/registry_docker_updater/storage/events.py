"""What is kept of events: every push, what nobody could read, and the newest push of each repository and tag.

Every method is one transaction, committed with fsync before it returns, or raises ``StoreUnavailable`` with nothing
committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Text, case, func, select, type_coerce

from registry_docker_updater.core.events.pushes import KeptPush, Push, Unreadable, UnresolvedPush
from registry_docker_updater.core.rollouts.desired import DesiredImage, PushedName
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.arrivals import Arrived, Recorded, keep_arrived
from registry_docker_updater.storage.choices import ALL_EVENTS, EventChoice
from registry_docker_updater.storage.claims import FOUND
from registry_docker_updater.storage.database import BEYOND, Connections
from registry_docker_updater.storage.newest import newest_of
from registry_docker_updater.storage.statements import by_no_index

# Seconds. Registries wait five for an answer, by our own snippet, and for the commit before theirs, too.
_PATIENCE = 2.0


@dataclass(frozen=True)
class KeptEvent:
    """An event as it was kept: a push, or what nobody could read (``kind``).

    ``content`` is the latter as JSON text, or as much of its beginning as was asked for; ``content_size`` is how many
    characters the whole has. ``reason`` is why it is not believed, or cannot be read; ``waits`` tells that the
    registry is to be asked whether it is so.
    """

    id: int
    registry: str
    key: str
    kind: str
    received_at: datetime
    occurred_at: datetime | None
    repository: str | None
    tag: str | None
    digest: str | None
    actor: str | None
    reason: str | None
    content: str | None
    content_size: int | None
    waits: bool


@dataclass(frozen=True)
class PushedTag:
    """A push as the sweep needs to know of it: which tag, and whether the sweep itself found it."""

    repository: str
    tag: str
    is_found: bool


@dataclass(frozen=True)
class IgnoredEvents:
    """How many events of a registry were ignored for one reason, and when first and last."""

    registry: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime


class EventStore:
    """Keeps events."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def record(
        self, registry: str, found: Sequence[Push | UnresolvedPush | Unreadable], now: datetime
    ) -> Recorded:
        """Keep events that ``registry`` sent at ``now``; those kept before count as duplicates."""
        (recorded,) = self.record_all([Arrived(registry, found, now)])
        return recorded

    def record_all(self, arrived: Sequence[Arrived]) -> list[Recorded]:
        """Keep what several deliveries held, in their order, in one transaction; return what was made of each."""
        with self._connections.writing(_PATIENCE) as connection:
            return keep_arrived(connection, arrived)

    def newest_push(self, registry: str, repository: str, tag: str) -> int | None:
        """Return the number of the newest known push of a repository and tag."""
        name = PushedName(registry, repository, tag)
        with self._connections.reading() as connection:
            known = newest_of(connection, [name]).get(name)
        return known.push if known else None

    def last_event(self) -> int:
        """Return the number of the newest event."""
        with self._connections.reading() as connection:
            return connection.scalar(select(func.max(tables.events.c.id))) or 0

    def last_change(self) -> int:
        """Return the number of the last change of what the newest pushes are."""
        with self._connections.reading() as connection:
            return connection.scalar(select(func.max(tables.newest.c.change))) or 0

    def pushed_after(self, registry: str, number: int) -> dict[int, PushedTag]:
        """Return the pushes of ``registry`` that were recorded after event ``number``, by their numbers."""
        e = tables.events.c
        query = select(e.id, e.repository, e.tag, e.key).where(
            e.id > number, by_no_index(e.registry) == registry, e.kind.in_((tables.PUSH, tables.UNRESOLVED))
        )
        with self._connections.reading() as connection:
            return {
                row.id: PushedTag(repository=row.repository, tag=row.tag, is_found=row.key.startswith(FOUND))
                for row in connection.execute(query)
            }

    def push(self, number: int) -> KeptPush:
        """Return the push with ``number``."""
        with self._connections.reading() as connection:
            return _kept_push(
                connection.execute(select(tables.events).where(tables.events.c.id == number)).one()
            )

    def newest_events(
        self, limit: int, longest: int, before: int | None = None, choice: EventChoice = ALL_EVENTS
    ) -> tuple[KeptEvent, ...]:
        """Return the newest ``limit`` events of a ``choice``, newest first, with ``longest`` characters of what nobody could read.

        Of those that came ``before`` the one with that number, where it is given.
        """
        number = tables.events.c.id
        with self._connections.reading() as connection:
            query = _kept(longest).where(*choice.wheres).order_by(number.desc()).limit(limit)
            if before is not None:
                query = query.where(number < before)
            return tuple(KeptEvent(**row) for row in connection.execute(query).mappings())

    def event(self, number: int) -> KeptEvent:
        """Return the event with ``number``, whole; raises :class:`NothingKnown`."""
        row = None
        if abs(number) < BEYOND:
            with self._connections.reading() as connection:
                query = _kept(None).where(tables.events.c.id == number)
                row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NothingKnown(f"no event {number}; `registry-docker-updater events` lists the newest")
        return KeptEvent(**row)

    def ignored(self) -> tuple[IgnoredEvents, ...]:
        """Return how many events were ignored, by registry and reason."""
        i = tables.ignored.c
        with self._connections.reading() as connection:
            rows = connection.execute(select(tables.ignored).order_by(i.registry, i.reason)).mappings()
            return tuple(IgnoredEvents(**row) for row in rows)

    def desired(
        self,
        hosts: Mapping[str, Sequence[str]],
        after: int = 0,
        of: int | None = None,
        repository: tuple[str, str] | None = None,
    ) -> tuple[DesiredImage, ...]:
        """Return the newest push of every repository and tag, of the registries whose ``hosts`` are given.

        They come in the order in which they became the newest, as far as that was ``after`` the change with that number.
        Of one push, where its number is given (``of``), or of one ``repository``, by the name of its registry and its own.
        """
        e, n = tables.events.c, tables.newest.c
        query = (
            select(e.id, e.registry, e.repository, e.tag, e.digest, e.actor, n.received_at, n.change)
            .join(tables.newest, n.push == e.id)
            .where(n.change > after, by_no_index(n.registry).in_(list(hosts)))
            .order_by(n.change)
        )
        if of is not None:
            query = query.where(n.push == of)
        if repository is not None:
            query = query.where(n.registry == repository[0], n.repository == repository[1])
        with self._connections.reading() as connection:
            return tuple(
                DesiredImage(
                    push=row.id,
                    registry=row.registry,
                    hosts=tuple(hosts[row.registry]),
                    repository=row.repository,
                    tag=row.tag,
                    digest=row.digest,
                    received_at=row.received_at,
                    change=row.change,
                    actor=row.actor,
                )
                for row in connection.execute(query)
            )


def _kept(longest: int | None) -> Select[Any]:
    e = tables.events.c
    content = type_coerce(e.content, Text)
    shown = func.substr(content, 1, longest) if longest else content
    # An event without content has the JSON null.
    is_any = e.kind == tables.UNREADABLE
    others = (one for one in e if one is not e.content)
    return select(
        *others,
        case((is_any, shown)).label("content"),
        case((is_any, func.length(content))).label("content_size"),
        tables.claims.c.event.is_not(None).label("waits"),
    ).outerjoin(tables.claims, tables.claims.c.event == e.id)


def _kept_push(row: Row[Any]) -> KeptPush:
    return KeptPush(row.id, row.registry, row.repository, row.tag, row.digest, row.actor, row.received_at)
