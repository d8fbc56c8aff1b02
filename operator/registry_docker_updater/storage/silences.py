"""What is kept of silences."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from registry_docker_updater.core.silences import Silence, Subject
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import BEYOND, Connections
from registry_docker_updater.storage.written import wrote_where

_s = tables.silences.c


class SilenceStore:
    """Keeps silences, those too that have ended: they are evidence."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def counting(self, now: datetime) -> tuple[Silence, ...]:
        """Return those that count ``now``, the oldest first."""
        counts = _s.ended_at.is_(None) & (_s.until > now)
        with self._connections.reading() as connection:
            return tuple(map(_silence, connection.execute(select(tables.silences).where(counts))))

    def newest(self, limit: int, before: int | None = None) -> tuple[Silence, ...]:
        """Return the newest ``limit``, newest first; of those that began ``before`` the one with that number, where it is given."""
        query = select(tables.silences).order_by(_s.id.desc()).limit(limit)
        with self._connections.reading() as connection:
            return tuple(
                map(_silence, connection.execute(query if before is None else query.where(_s.id < before)))
            )

    def get(self, number: int) -> Silence | None:
        """Return the one with ``number``, None where there is none."""
        if abs(number) >= BEYOND:
            return None
        with self._connections.reading() as connection:
            row = connection.execute(select(tables.silences).where(_s.id == number)).first()
        return _silence(row) if row else None

    def add(self, new: Silence) -> Silence:
        """Keep a new one, and return it with its number."""
        row = {name: value for name, value in asdict(new).items() if name != "id"}
        with self._connections.writing() as connection:
            number = connection.scalars(insert(tables.silences).values(row).returning(_s.id)).one()
            wrote_where(connection, tables.silences, _s.id == number)
        return replace(new, id=number)

    def end(self, number: int, actor: str, now: datetime) -> None:
        """Keep that ``actor`` ended one."""
        with self._connections.writing() as connection:
            ended = update(tables.silences).where(_s.id == number).values(ended_at=now, ended_by=actor)
            connection.execute(ended)
            wrote_where(connection, tables.silences, _s.id == number)


def _silence(row: Row[Any]) -> Silence:
    return Silence(
        id=row.id,
        subject=Subject(row.subject),
        of=row.of,
        at=row.at,
        until=row.until,
        reason=row.reason,
        actor=row.actor,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
