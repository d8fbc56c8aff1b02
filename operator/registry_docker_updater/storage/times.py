"""Times that are kept to be compared with others, and what becomes of them when the clock is set.

What else is dated is evidence and stays as it was written: when an event came, when a run began and ended. Until when people want
nothing updated, or nothing heard, is a time of the real world, whatever the machine's clock said when they asked for it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, bindparam, select, true, update

from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import CLOCK_SET
from registry_docker_updater.core.schedules import clock_changes
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.chain import append
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import batches
from registry_docker_updater.storage.written import RECORDED, wrote_where

_MOMENTS: tuple[tuple[Table, str], ...] = (
    (tables.hosts, "asked_at"),
    (tables.hosts, "back_since"),
    (tables.targets, "since"),
    (tables.last_attempts, "at"),
    (tables.newest, "received_at"),
    (tables.rollouts, "waiting_since"),
    (tables.decisions, "at"),
    (tables.delays, "at"),
    (tables.overrides, "at"),
    (tables.claims, "received_at"),
    (tables.messages, "failing_since"),
)
_m = tables.messages.c
# A message that nobody was sent may wait for the end of quiet hours, or for the time of a digest.
_LONGEST_QUIET = timedelta(hours=26)

# A row's primary key, and a moment in it.
_Row = tuple[tuple[Any, ...], datetime]


class TimeStore:
    """Keeps times right."""

    def __init__(self, connections: Connections) -> None:
        """Keep them right through ``connections``."""
        self._connections = connections

    def put_right(self, by: timedelta, now: datetime, since: datetime, longest: timedelta) -> bool:
        """Bring kept times to a clock that was set; return whether any is different.

        ``by``, ``now`` and ``since`` are as for :func:`~registry_docker_updater.core.schedules.clock_changes.put_right`. Nothing is due later than the ``longest`` time to
        wait.
        """
        with self._connections.writing() as connection:
            kept = {column: _rows(connection, *column, by, now) for column in _MOMENTS}
            right = clock_changes.put_right(
                (moment for rows in kept.values() for _, moment in rows), by, now, since
            )
            step = Step(CLOCK_SET, {"by_seconds": f"{by.total_seconds():.3f}"})
            changed = [_write(connection, column, rows, right, (step, now)) for column, rows in kept.items()]
            untried = _m.attempts == 0
            for table, which, most in (
                (tables.rollouts, true(), longest),
                (tables.messages, _m.attempts > 0, longest),
                (tables.messages, untried & (_m.created_at > now), timedelta()),
                (tables.messages, untried & (_m.created_at <= now), _LONGEST_QUIET),
            ):
                rows = _rows(connection, table, "due_at", by, now, which)
                due = {moment: clock_changes.put_due_right(moment, by, now, most) for _, moment in rows}
                changed.append(_write(connection, (table, "due_at"), rows, due, (step, now)))
        return any(changed)


def _rows(  # noqa: PLR0913, PLR0917 - where, and by how much
    connection: Connection,
    table: Table,
    name: str,
    by: timedelta,
    now: datetime,
    which: ColumnElement[bool] | None = None,
) -> list[_Row]:
    """Return the moments of a column that a clock which was set ``by`` so much and shows ``now`` may concern."""
    column = table.c[name]
    query = select(*table.primary_key, column).where(column.is_not(None) if by else column > now)
    query = query if which is None else query.where(which)
    return [(tuple(key), moment) for *key, moment in connection.execute(query)]


def _write(
    connection: Connection,
    column: tuple[Table, str],
    rows: list[_Row],
    right: Mapping[datetime, datetime],
    recorded: tuple[Step, datetime],
) -> bool:
    """Write moments that are put right, with what the trail says of it; return whether any is different."""
    table, name = column
    keys: list[Column[Any]] = list(table.primary_key)
    changed = [
        {f"of_{one.name}": value for one, value in zip(keys, key, strict=True)} | {"to": right[moment]}
        for key, moment in rows
        if right[moment] != moment
    ]
    if changed:
        statement = update(table).values({name: bindparam("to")})
        for one in keys:
            statement = statement.where(one == bindparam(f"of_{one.name}"))
        connection.execute(statement, changed)
    if changed and table.name in RECORDED:
        for some in batches({one["to"] for one in changed}):
            wrote_where(connection, table, table.c[name].in_(some))
            append(connection, *recorded)
    return bool(changed)
