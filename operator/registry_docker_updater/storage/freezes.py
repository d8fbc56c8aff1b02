"""What is kept of freezes."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update

from registry_docker_updater.core.policy.freezes import Freeze, Scope
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import BEYOND, Connections
from registry_docker_updater.storage.written import wrote_where

_f = tables.freezes.c


class FreezeStore:
    """Keeps freezes, those too that have ended: they are evidence."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def counting(self, now: datetime) -> tuple[Freeze, ...]:
        """Return those that count ``now``, the oldest first."""
        query = select(tables.freezes).where(_counts(now)).order_by(_f.id)
        with self._connections.reading() as connection:
            return tuple(map(_freeze, connection.execute(query)))

    def open(self) -> tuple[Freeze, ...]:
        """Return those that nobody ended, the oldest first; the time of some may have passed."""
        query = select(tables.freezes).where(_f.ended_at.is_(None)).order_by(_f.id)
        with self._connections.reading() as connection:
            return tuple(map(_freeze, connection.execute(query)))

    def newest(
        self, now: datetime, limit: int, before: int | None = None, *, counts: bool | None = None
    ) -> tuple[Freeze, ...]:
        """Return the newest ``limit``, newest first.

        They began ``before`` the one with that number, and count ``now`` or do not, where that is given.
        """
        query = select(tables.freezes).order_by(_f.id.desc()).limit(limit)
        if before is not None:
            query = query.where(_f.id < before)
        if counts is not None:
            query = query.where(_counts(now) if counts else ~_counts(now))
        with self._connections.reading() as connection:
            return tuple(map(_freeze, connection.execute(query)))

    def get(self, number: int) -> Freeze | None:
        """Return the one with ``number``, None where there is none."""
        if abs(number) >= BEYOND:
            return None
        with self._connections.reading() as connection:
            row = connection.execute(select(tables.freezes).where(_f.id == number)).first()
        return _freeze(row) if row else None

    def add(self, new: Freeze) -> Freeze:
        """Keep a new one, and return it with its number."""
        row = {name: value for name, value in asdict(new).items() if name != "id"}
        with self._connections.writing() as connection:
            number = connection.scalars(insert(tables.freezes).values(row).returning(_f.id)).one()
            wrote_where(connection, tables.freezes, _f.id == number)
        return replace(new, id=number)

    def end(self, number: int, actor: str, now: datetime) -> None:
        """Keep that ``actor`` ended one."""
        with self._connections.writing() as connection:
            ended = update(tables.freezes).where(_f.id == number).values(ended_at=now, ended_by=actor)
            connection.execute(ended)
            wrote_where(connection, tables.freezes, _f.id == number)

    def change_counter(self) -> int:
        """Return a number that grows when one begins, or when a person ends one, in whichever process."""
        last = select(func.coalesce(func.max(_f.id), 0)).scalar_subquery()
        not_ended = select(func.count()).where(_f.ended_at.is_(None)).scalar_subquery()
        with self._connections.reading() as connection:
            # The last is never removed, so that this holds when old ones are.
            return int(connection.execute(select(2 * last - not_ended)).scalar_one())


def _counts(now: datetime) -> ColumnElement[bool]:
    return _f.ended_at.is_(None) & (_f.until.is_(None) | (_f.until > now))


def _freeze(row: Row[Any]) -> Freeze:
    return Freeze(
        id=row.id,
        scope=Scope(row.scope),
        of=row.of,
        at=row.at,
        until=row.until,
        reason=row.reason,
        actor=row.actor,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
