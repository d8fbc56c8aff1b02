"""What is kept of events: every push, what nobody could read, and the newest push of each repository and tag.

Every method is one transaction, committed with fsync before it returns, or raises ``StoreUnavailable`` with nothing
committed.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from registry_docker_updater.core.events.newest import Answer, Finding, Newest, newest_after, weigh
from registry_docker_updater.core.events.pushes import KeptPush, Push, Unreadable
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections, put

# Who pushed, where the registry itself was asked.
SWEEP = "found by the sweep"


@dataclass(frozen=True)
class Recorded:
    """How many events were new, and how many had been seen before; ``pushes`` are the numbers of those that were new."""

    accepted: int
    duplicates: int
    unreadable: int
    pushes: tuple[int, ...] = ()


@dataclass(frozen=True)
class KeptEvent:
    """An event as it was kept: a push, or what nobody could read (``kind``)."""

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
    content: Any


class EventStore:
    """Keeps events."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def record(self, registry: str, found: Sequence[Push | Unreadable], now: datetime) -> Recorded:
        """Keep events that ``registry`` sent at ``now``; those kept before count as duplicates."""
        pushes: list[int] = []
        duplicates = unreadable = 0
        with self._connections.writing() as connection:
            for one in found:
                row = _push_row(one, now) if isinstance(one, Push) else _unreadable_row(one)
                number = _insert_once(connection, {"registry": registry, "received_at": now, **row})
                if isinstance(one, Unreadable):
                    unreadable += 1
                elif number is None:
                    duplicates += 1
                else:
                    pushes.append(number)
                    known = _newest(connection, registry, one.repository, one.tag)
                    if newest := newest_after(one, number, known, now):
                        _keep_newest(connection, one, newest)
        return Recorded(len(pushes), duplicates, unreadable, tuple(pushes))

    def record_answer(self, answer: Answer, now: datetime) -> Finding:
        """Keep what a registry answered to the sweep; when that is a push nobody told of, record it as one."""
        push = Push(
            registry=answer.registry,
            repository=answer.repository,
            tag=answer.tag,
            digest=answer.digest,
            occurred_at=answer.at,
            key=f"sweep {uuid.uuid4()}",
            actor=SWEEP,
        )
        with self._connections.writing() as connection:
            finding = weigh(answer, _newest(connection, answer.registry, answer.repository, answer.tag))
            if finding is Finding.PUSH:
                row = {"registry": answer.registry, "received_at": now, **_push_row(push, now)}
                statement = insert(tables.events).values(row).returning(tables.events.c.id)
                number = connection.scalars(statement).one()
                at = min(answer.at, now)
                newest = Newest(number, push.digest, at, now, push.digest, found_at=answer.at)
                _keep_newest(connection, push, newest)
            elif finding is Finding.FIRST:
                n = tables.newest.c
                connection.execute(
                    update(tables.newest).where(n.push == answer.known).values(registry_digest=answer.digest)
                )
        return finding

    def newest_push(self, registry: str, repository: str, tag: str) -> int | None:
        """Return the number of the newest known push of a repository and tag."""
        with self._connections.reading() as connection:
            known = _newest(connection, registry, repository, tag)
        return known.push if known else None

    def last_event(self) -> int:
        """Return the number of the newest event."""
        with self._connections.reading() as connection:
            return connection.scalar(select(func.max(tables.events.c.id))) or 0

    def pushed_after(self, registry: str, number: int) -> dict[int, tuple[str, str]]:
        """Return repository and tag of each push of ``registry`` that was recorded after event ``number``."""
        e = tables.events.c
        query = select(e.id, e.repository, e.tag).where(
            e.id > number, e.registry == registry, e.kind == "push"
        )
        with self._connections.reading() as connection:
            return {row.id: (row.repository, row.tag) for row in connection.execute(query)}

    def push(self, number: int) -> KeptPush:
        """Return the push with ``number``."""
        with self._connections.reading() as connection:
            return _kept_push(
                connection.execute(select(tables.events).where(tables.events.c.id == number)).one()
            )

    def newest_events(self, limit: int) -> tuple[KeptEvent, ...]:
        """Return the newest ``limit`` events, newest first: pushes, and what nobody could read."""
        query = select(tables.events).order_by(tables.events.c.id.desc()).limit(limit)
        with self._connections.reading() as connection:
            return tuple(KeptEvent(**row) for row in connection.execute(query).mappings())

    def desired(self, hosts: Mapping[str, Sequence[str]]) -> tuple[DesiredImage, ...]:
        """Return the newest push of every repository and tag, of the registries whose ``hosts`` are given."""
        e, n = tables.events.c, tables.newest.c
        query = select(e.id, e.registry, e.repository, e.tag, e.digest, n.received_at).join(
            tables.newest, n.push == e.id
        )
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
                )
                for row in connection.execute(query)
                if row.registry in hosts
            )


def _insert_once(connection: Connection, row: Mapping[str, Any]) -> int | None:
    """Insert an event, unless it was kept before; return its number where it was not."""
    e = tables.events.c
    same = select(e.id).where(e.registry == row["registry"], e.key == row["key"])
    if connection.scalar(same) is not None:
        return None
    return int(connection.scalars(insert(tables.events).values(row).returning(e.id)).one())


def _kept_push(row: Row[Any]) -> KeptPush:
    return KeptPush(row.id, row.registry, row.repository, row.tag, row.digest, row.actor, row.received_at)


def _push_row(push: Push, now: datetime) -> dict[str, Any]:
    return {
        "kind": "push",
        "key": push.key,
        "occurred_at": min(push.occurred_at, now),
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "actor": push.actor,
    }


def _unreadable_row(found: Unreadable) -> dict[str, Any]:
    content = json.dumps(found.content, sort_keys=True)
    key = hashlib.sha256(content.encode()).hexdigest()
    return {"kind": "unreadable", "key": key, "reason": found.reason, "content": found.content}


def _newest(connection: Connection, registry: str, repository: str, tag: str) -> Newest | None:
    e, n = tables.events.c, tables.newest.c
    query = (
        select(n.push, e.digest, n.occurred_at, n.received_at, n.registry_digest, n.found_at)
        .join(tables.events, e.id == n.push)
        .where(n.registry == registry, n.repository == repository, n.tag == tag)
    )
    row = connection.execute(query).one_or_none()
    return Newest(*row) if row else None


def _keep_newest(connection: Connection, push: Push, newest: Newest) -> None:
    row = {key: value for key, value in asdict(newest).items() if key != "digest"}
    name = {"registry": push.registry, "repository": push.repository, "tag": push.tag}
    put(connection, tables.newest, {**name, **row})
