"""Appending to the trail: what happened, in the transaction of the change that it tells of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, Step, TrailHead, sealed
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.written import Written, taken

# The number that was given last is SQLite's to remember: after a cut of the end the next does not take its place.
_LAST = (
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'trail'), 0),"
    " (SELECT hash FROM trail ORDER BY id DESC LIMIT 1)"
)
# Made once: with every delivery, making it took longer than having it executed.
_INSERT = insert(tables.trail)


def append(connection: Connection, step: Step, at: datetime) -> None:
    """Append an entry for ``step``, with all that was written since the last entry of this transaction."""
    append_all(connection, [(step, taken(connection))], at)


def append_all(connection: Connection, steps: Sequence[tuple[Step, Written]], at: datetime) -> None:
    """Append an entry for each of several steps, with what each has written."""
    if not steps:
        return
    last, known = last_given(connection)
    before = TrailHead(last, known or NOTHING_BEFORE)
    rows = []
    for step, written in steps:
        entry = sealed(before, before.sequence + 1, at, step, canonical(written.content(step.facts)))
        before = entry.head
        rows.append(
            {
                "id": entry.sequence,
                "at": at,
                "kind": entry.kind,
                "event": entry.event,
                "rollout": entry.rollout,
                "content": entry.content,
                "content_hash": entry.content_hash,
                "hash": entry.hash,
            }
        )
    connection.execute(_INSERT, rows)


def last_given(connection: Connection) -> tuple[int, str | None]:
    """Return the number that was given last, whether or not its entry is still there, and the last entry's hash."""
    number, known = connection.exec_driver_sql(_LAST).one()
    return number, known
