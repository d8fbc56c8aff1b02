"""What people asked for by hand. Nothing of it is ever deleted: it is evidence."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select, update

from registry_docker_updater.core.rollouts.history import Breach, Override
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.written import wrote


class OverrideStore:
    """Keeps overrides, which are open until they are closed, and that rollouts were run again."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def open(self) -> frozenset[Override]:
        """Return those that count."""
        o = tables.overrides.c
        with self._connections.reading() as connection:
            rows = connection.execute(select(o.key, o.push, o.at).where(o.closed_at.is_(None)))
            return frozenset(Override(row.key, row.push, row.at) for row in rows)

    def add(self, push: int, forced: Mapping[str, Sequence[str]], actor: str, now: datetime) -> None:
        """Keep that a person wants targets to get a push whatever became of them before, and what that breaks, by key."""
        with self._connections.writing() as connection:
            for key in sorted(forced):
                row = {"push": push, "key": key, "actor": actor, "at": now, "breaks": list(forced[key])}
                added = insert(tables.overrides).values(row).returning(tables.overrides)
                wrote(connection, tables.overrides, *connection.execute(added).mappings())

    def breaches(self, push: int) -> Sequence[Breach]:
        """Return who broke what for a push, on which targets; the newest word on each is the last."""
        o = tables.overrides.c
        query = select(o.key, o.actor, o.breaks).where(o.push == push).order_by(o.id)
        with self._connections.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Breach(row.key, row.actor, tuple(row.breaks)) for row in rows if row.breaks)

    def close(self, overrides: Iterable[Override], now: datetime) -> None:
        """Keep that ``overrides`` count no more."""
        o = tables.overrides.c
        for one in overrides:
            self._close((o.key == one.key) & (o.push == one.push), now)

    def close_push(self, push: int, now: datetime) -> None:
        """Keep that no override of a push counts any more."""
        self._close(tables.overrides.c.push == push, now)

    def note_retry(self, rollout: int, actor: str, now: datetime) -> None:
        """Keep that a person had a rollout run again."""
        with self._connections.writing() as connection:
            row = {"rollout": rollout, "at": now, "actor": actor}
            added = insert(tables.retries).values(row).returning(tables.retries)
            wrote(connection, tables.retries, *connection.execute(added).mappings())

    def change_counter(self) -> int:
        """Return a number that grows with everything that a person asks for, in whichever process."""
        with self._connections.reading() as connection:
            newest = [
                connection.scalar(select(func.max(table.c.id)))
                for table in (tables.retries, tables.overrides)
            ]
        return sum(number or 0 for number in newest)

    def _close(self, which: ColumnElement[bool], now: datetime) -> None:
        is_open = tables.overrides.c.closed_at.is_(None)
        with self._connections.writing() as connection:
            closing = update(tables.overrides).where(which, is_open).values(closed_at=now)
            closed = connection.execute(closing.returning(tables.overrides))
            wrote(connection, tables.overrides, *closed.mappings())
