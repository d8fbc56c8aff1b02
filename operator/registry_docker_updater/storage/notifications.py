"""What is kept of messages: which are due, and what each tells.

Every method is one transaction, committed with fsync before it returns, or raises ``StoreUnavailable`` with nothing
committed.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from registry_docker_updater.core.notifications.message import for_notification
from registry_docker_updater.core.notifications.schedule import Notification, NotificationState
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Keeper
from registry_docker_updater.views.listings import rollout_row


class NotificationStore(Keeper):
    """Keeps messages."""

    def notifications(self) -> tuple[Notification, ...]:
        """Return the messages that are due, now or later."""
        t = tables.notifications.c
        query = select(tables.notifications).where(t.state == NotificationState.DUE).order_by(t.due_at)
        with self._database.reading() as connection:
            return tuple(
                Notification(
                    row.rollout,
                    NotificationState(row.state),
                    row.attempts,
                    row.due_at,
                    tuple(row.channels) if row.channels else None,
                    row.error,
                    row.run,
                )
                for row in connection.execute(query)
            )

    def message(self, notification: Notification) -> dict[str, Any] | None:
        """Return what ``telling`` tells, as it was after its run, or None when there is something newer to tell."""
        t = tables.notifications.c
        query = select(t.content).where(t.rollout == notification.rollout, t.run == notification.run)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            # One that another version left has no content.
            return (row.content or _content(connection, notification.rollout)) if row else None

    def keep_notification(self, before: Notification, after: Notification) -> None:
        """Keep where a message stands after an attempt, unless there has been something new to tell meanwhile."""
        t = tables.notifications.c
        with self._database.writing() as connection:
            connection.execute(
                update(tables.notifications)
                .where(t.rollout == before.rollout, t.run == before.run, t.attempts == before.attempts)
                .values(asdict(after))
            )


def renew_notification(connection: Connection, rollout: int, due_at: datetime) -> None:
    """Have the team told at ``due_at`` of a rollout as it stands now: its next run may begin before that."""
    content = _content(connection, rollout)
    notification = Notification(rollout, NotificationState.DUE, due_at=due_at, run=content["attempt"])
    row = {**asdict(notification), "content": content}
    statement = upsert(tables.notifications).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["rollout"], set_=row))


def _content(connection: Connection, rollout: int) -> dict[str, Any]:
    return for_notification(rollout_row(connection, rollout))
