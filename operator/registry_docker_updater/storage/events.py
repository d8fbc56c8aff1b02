"""What is kept of events: every push, what nobody could read, and the newest push of each repository and tag.

Every method is one transaction, committed with fsync before it returns, or raises ``StoreUnavailable`` with nothing
committed.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from registry_docker_updater.core.events.newest import Answer, Finding, Newest, is_newest, weigh
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.rollouts.history import DesiredImage
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Keeper

# Who pushed, where the registry itself was asked.
SWEEP = "found by the sweep"


@dataclass(frozen=True)
class Recorded:
    """How many events were new, and how many had been seen before."""

    accepted: int
    duplicates: int
    unreadable: int


class EventStore(Keeper):
    """Keeps events."""

    def record(self, registry: str, found: Sequence[Push | Unreadable], now: datetime) -> Recorded:
        """Keep events that ``registry`` sent at ``now``; those kept before count as duplicates."""
        accepted = duplicates = unreadable = 0
        with self._database.writing() as connection:
            for one in found:
                row = _push_row(one, now) if isinstance(one, Push) else _unreadable_row(one)
                statement = upsert(tables.events).values(registry=registry, received_at=now, **row)
                kept = connection.execute(
                    statement.on_conflict_do_nothing().returning(tables.events.c.id)
                ).scalar()
                if isinstance(one, Unreadable):
                    unreadable += 1
                elif kept is None:
                    duplicates += 1
                else:
                    accepted += 1
                    if is_newest(one, _newest(connection, registry, one.repository, one.tag), now):
                        _renew_newest(connection, kept, one, now, told=None if one.by_hand else one.digest)
        return Recorded(accepted, duplicates, unreadable)

    def record_answer(self, answer: Answer, now: datetime) -> Finding:
        """Keep what a registry answered to the sweep; when that is a push nobody told, record it as one."""
        push = Push(
            registry=answer.registry,
            repository=answer.repository,
            tag=answer.tag,
            digest=answer.digest,
            occurred_at=answer.at,
            key=f"sweep {uuid.uuid4()}",
            actor=SWEEP,
        )
        with self._database.writing() as connection:
            finding = weigh(answer, _newest(connection, answer.registry, answer.repository, answer.tag))
            if finding is Finding.PUSH:
                row = {"registry": answer.registry, "received_at": now, **_push_row(push, now)}
                statement = insert(tables.events).values(row).returning(tables.events.c.id)
                number = connection.scalars(statement).one()
                _renew_newest(connection, number, push, now, told=push.digest, found_at=answer.at)
            elif finding is Finding.FIRST:
                n = tables.newest.c
                connection.execute(
                    update(tables.newest).where(n.push == answer.known).values(told=answer.digest)
                )
        return finding

    def newest_push(self, registry: str, repository: str, tag: str) -> int | None:
        """Return the number of the newest known push of a repository and tag."""
        with self._database.reading() as connection:
            known = _newest(connection, registry, repository, tag)
        return known.push if known else None

    def last_event(self) -> int:
        """Return the number of the newest event."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(tables.events.c.id))) or 0

    def pushed_after(self, registry: str, number: int) -> dict[int, tuple[str, str]]:
        """Return repository and tag of each push of ``registry`` that was recorded after event ``number``."""
        e = tables.events.c
        query = select(e.id, e.repository, e.tag).where(
            e.id > number, e.registry == registry, e.kind == "push"
        )
        with self._database.reading() as connection:
            return {row.id: (row.repository, row.tag) for row in connection.execute(query)}

    def push_number(self, registry: str, key: str) -> int:
        """Return the id of the push that ``registry`` sent with ``key``."""
        e = tables.events.c
        with self._database.reading() as connection:
            return int(connection.scalars(select(e.id).where(e.registry == registry, e.key == key)).one())

    def desired(self, hosts: Mapping[str, Sequence[str]]) -> tuple[DesiredImage, ...]:
        """Return the newest push of every repository and tag, of the registries whose ``hosts`` are given."""
        e, n = tables.events.c, tables.newest.c
        query = select(e.id, e.registry, e.repository, e.tag, e.digest, n.received_at).join(
            tables.newest, n.push == e.id
        )
        with self._database.reading() as connection:
            return tuple(
                DesiredImage(
                    row.id, tuple(hosts[row.registry]), row.repository, row.tag, row.digest, row.received_at
                )
                for row in connection.execute(query)
                if row.registry in hosts
            )


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
        select(n.push, e.digest, n.occurred_at, n.received_at, n.told, n.found_at)
        .join(tables.events, e.id == n.push)
        .where(n.registry == registry, n.repository == repository, n.tag == tag)
    )
    row = connection.execute(query).one_or_none()
    return Newest(*row) if row else None


def _renew_newest(  # noqa: PLR0913 - a row's parts
    connection: Connection,
    number: int,
    push: Push,
    now: datetime,
    *,
    told: str | None,
    found_at: datetime | None = None,
) -> None:
    row = {
        "push": number,
        "occurred_at": min(push.occurred_at, now),
        "received_at": now,
        "told": told,
        "found_at": found_at,
    }
    name = {"registry": push.registry, "repository": push.repository, "tag": push.tag}
    statement = upsert(tables.newest).values(**name, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=list(name), set_=row))
