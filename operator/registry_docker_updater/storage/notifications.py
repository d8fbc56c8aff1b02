"""What is kept of notifications: which are due, and what each says."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, update

from registry_docker_updater.core.notifications.schedule import Notification, NotificationState
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import put
from registry_docker_updater.storage.written import wrote, wrote_where


class NotificationStore:
    """Keeps notifications: one a rollout, about the last of its runs of which there was something to tell."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def due(self) -> tuple[Notification, ...]:
        """Return those that are due, now or later, the first first."""
        t = tables.notifications.c
        query = select(tables.notifications).where(t.state == NotificationState.DUE).order_by(t.due_at)
        with self._connections.reading() as connection:
            return tuple(map(_notification, connection.execute(query)))

    def counts(self) -> tuple[int, int]:
        """Return how many are due, now or later, and how many of these were tried in vain."""
        t = tables.notifications.c
        tried = func.count().filter(t.attempts > 0)
        query = select(func.count(), tried).where(t.state == NotificationState.DUE)
        with self._connections.reading() as connection:
            due, failing = connection.execute(query).one()
        return due, failing

    def of_rollout(self, rollout: int) -> Notification | None:
        """Return that of a rollout, or None where there was nothing to tell."""
        query = select(tables.notifications).where(tables.notifications.c.rollout == rollout)
        with self._connections.reading() as connection:
            row = connection.execute(query).first()
        return _notification(row) if row else None

    def untold(self, since: datetime) -> tuple[tuple[Notification, str], ...]:
        """Return those that not everybody has, the newest rollouts first, each with its image.

        Of those that were given up, those of rollouts that ended ``since`` a moment.
        """
        t, r = tables.notifications.c, tables.rollouts.c
        is_late = (t.state == NotificationState.DUE) & (t.attempts > 0)
        was_given_up = (t.state == NotificationState.GIVEN_UP) & (r.ended_at >= since)
        columns = [column for column in t if column is not t.content]
        query = (
            select(*columns, r.image)
            .join(tables.rollouts, r.id == t.rollout)
            .where(t.state.in_([NotificationState.DUE, NotificationState.GIVEN_UP]), is_late | was_given_up)
            .order_by(t.rollout.desc())
        )
        with self._connections.reading() as connection:
            return tuple((_notification(row), row.image) for row in connection.execute(query))

    def content(self, notification: Notification) -> dict[str, Any] | None:
        """Return what ``notification`` says, or None when there is something newer to tell of its rollout."""
        t = tables.notifications.c
        query = select(t.content).where(t.rollout == notification.rollout, t.run == notification.run)
        with self._connections.reading() as connection:
            return connection.scalar(query)

    def renew(self, rollout: int, run: int, content: Mapping[str, Any], due_at: datetime) -> None:
        """Have the team told at ``due_at`` of a rollout as ``content`` says it: its next run may begin before that."""
        new = Notification(rollout, NotificationState.DUE, due_at=due_at, run=run)
        with self._connections.writing() as connection:
            row = {**asdict(new), "content": dict(content)}
            put(connection, tables.notifications, row)
            wrote(connection, tables.notifications, row)

    def keep(self, before: Notification, after: Notification) -> None:
        """Keep where one stands after an attempt, unless there has been something new to tell meanwhile."""
        t = tables.notifications.c
        itself = and_(t.rollout == before.rollout, t.run == before.run, t.attempts == before.attempts)
        with self._connections.writing() as connection:
            changed = connection.execute(update(tables.notifications).where(itself).values(asdict(after)))
            if changed.rowcount:
                wrote_where(connection, tables.notifications, t.rollout == before.rollout)


def _notification(row: Any) -> Notification:
    return Notification(
        rollout=row.rollout,
        state=NotificationState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        channels=tuple(row.channels) if row.channels else None,
        error=row.error,
        run=row.run,
        sent_at=row.sent_at,
    )
