"""Appending to the trail: what happened, in the transaction of the change that it tells of."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Connection

from registry_docker_updater.core.audit.canonical import canonical, moment_text
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, Step, TrailHead, sealed
from registry_docker_updater.storage.written import Written, taken

# The number that was given last is SQLite's to remember: after a cut of the end the next does not take its place.
_LAST = (
    "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'trail'), (SELECT max(id) FROM trail),"
    " (SELECT hash FROM trail ORDER BY id DESC LIMIT 1)"
)
# Farther ahead of the last entry that number never was: somebody changed it.
_FARTHEST = 10**9
# With every event comes one, and what SQLAlchemy does for a row takes longer than all else of it.
_INSERT = "INSERT INTO trail (id, at, kind, event, rollout, content, content_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

# When something happened, what, and what was written then.
Happened = tuple[datetime, Step, Written]


def append(connection: Connection, step: Step, at: datetime) -> None:
    """Append an entry for ``step``, with all that was written since the last entry of this transaction."""
    append_all(connection, [(at, step, taken(connection))])


def append_all(connection: Connection, steps: Sequence[Happened]) -> None:
    """Append an entry for each of several steps."""
    if not steps:
        return
    last, known = last_given(connection)
    before = TrailHead(last, known or NOTHING_BEFORE)
    entries = []
    for at, step, written in steps:
        entries.append(sealed(before, before.sequence + 1, at, step, canonical(written.content(step.facts))))
        before = entries[-1].head
    rows = [(one.sequence, in_database(one.at), *one[2:]) for one in entries]
    driver_cursor(connection).executemany(_INSERT, rows)


def in_database(at: datetime) -> str:
    """Return a moment as :class:`~registry_docker_updater.storage.tables.Moment` keeps it in SQLite."""
    return moment_text(at)[:-1].replace("T", " ")


def last_given(connection: Connection) -> tuple[int, str | None]:
    """Return the number that was given last, whether or not its entry is still there, and the last entry's hash."""
    remembered, last, known = driver_cursor(connection).execute(_LAST).fetchone()
    number = last or 0
    if isinstance(remembered, int) and number < remembered < number + _FARTHEST:
        number = remembered
    return number, known if known is None else str(known)


def driver_cursor(connection: Connection) -> sqlite3.Cursor:
    """Return a cursor of the driver itself, in the transaction that is open, for what is done with every event."""
    return driver_connection(connection).cursor()


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """Return the connection of the driver itself."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)
