"""Removing what has been kept for long enough; the trail says what, and holds without it.

What still counts is never removed: rollouts that run or wait, what was attempted last on each target, the newest push of each tag,
and what waits for its registry.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from registry_docker_updater.core.audit.canonical import canonical, moment_text
from registry_docker_updater.core.audit.entries import Entry, Step
from registry_docker_updater.core.audit.kinds import PRUNED
from registry_docker_updater.core.audit.retention import spans
from registry_docker_updater.core.audit.sentences import content_of
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.chain import append
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.news import (
    has_empty_messages,
    news_to_remove,
    remove_news,
    remove_of_rollouts,
)
from registry_docker_updater.storage.statements import batches
from registry_docker_updater.storage.trail import entries_before
from registry_docker_updater.storage.written import RECORDED, removed, row_as_kept

# So much at a time: others want to write, too.
_TOGETHER = 200
_e, _r, _o, _t = tables.events.c, tables.rollouts.c, tables.overrides.c, tables.trail.c
_s, _f, _d = tables.silences.c, tables.freezes.c, tables.decisions.c
_OF_ROLLOUT = (tables.outcomes, tables.retries, tables.notifications)


class RetentionStore:
    """Removes what has been kept for long enough, in small transactions; each returns whether there may be more."""

    def __init__(self, connections: Connections) -> None:
        """Remove it through ``connections``."""
        self._connections = connections

    def needed_rollouts(self) -> frozenset[int]:
        """Return the rollouts of which nothing may go."""
        with self._connections.reading() as connection:
            return frozenset(connection.scalars(select(_r.id).where(_is_needed())))

    def note_runs(self, where: Iterable[str], now: datetime) -> None:
        """Keep that runs are removed: before they are."""
        for some in batches(list(where), _TOGETHER):
            with self._connections.writing() as connection:
                append(connection, Step(PRUNED, {"entries": [], "runs": list(some)}), now)

    def remove_rollouts(self, before: datetime, now: datetime) -> bool:
        """Remove rollouts that ended before a time, with all that belongs to them."""
        old = (
            select(_r.id, _r.push)
            .where(_r.ended_at < before, _is_needed().is_not(True), _is_numbered_before_others(_r.id))
            .where(~_is_told_of_since(_t.rollout == _r.id, before))
            .limit(_TOGETHER)
        )
        with self._connections.writing() as connection:
            found = connection.execute(old).all()
            if not found:
                return False
            numbers, pushes = [row.id for row in found], [row.push for row in found]
            for table in _OF_ROLLOUT:
                _delete(connection, table, table.c.rollout.in_(numbers))
            remove_of_rollouts(connection, numbers, before)
            _delete(connection, tables.overrides, _o.push.in_(pushes))
            _delete(connection, tables.rollouts, _r.id.in_(numbers))
            append(connection, Step(PRUNED, {"entries": [], "older_than": moment_text(before)}), now)
        return True

    def remove_events(self, before: datetime, now: datetime) -> bool:
        """Remove events that came before a time, and of which nothing rests that is kept, with what was decided on them."""
        used = (
            *(tables.newest.c.push, tables.claims.c.event, tables.last_attempts.c.push),
            *(_r.push, _o.push),
        )
        old = (
            select(_e.id)
            .where(_e.received_at < before, *(_e.id.not_in(select(column)) for column in used))
            .where(_e.id.not_in(select(_d.push).where(~_is_numbered_before_others(_d.id))))
            .where(_is_numbered_before_others(_e.id), ~_is_told_of_since(_t.event == _e.id, before))
            .order_by(_e.id)
            .limit(_TOGETHER)
        )
        with self._connections.writing() as connection:
            numbers = list(connection.scalars(old))
            if not numbers:
                return False
            _delete(connection, tables.decisions, _d.push.in_(numbers))
            _delete(connection, tables.events, _e.id.in_(numbers))
            append(connection, Step(PRUNED, {"entries": [], "older_than": moment_text(before)}), now)
        return True

    def remove_news(self, before: datetime, now: datetime) -> bool:
        """Remove news of other things than rollouts that came before a time and have been told, and messages that tell nothing."""
        with self._connections.writing() as connection:
            numbers = news_to_remove(connection, before, _TOGETHER)
            if not numbers and not has_empty_messages(connection, before):
                return False
            remove_news(connection, numbers, before)
            append(connection, Step(PRUNED, {"entries": [], "older_than": moment_text(before)}), now)
        return True

    def remove_silences(self, before: datetime, now: datetime) -> bool:
        """Remove silences that were over before a time."""
        return self._remove_over(tables.silences, _s.until, before, now)

    def remove_freezes(self, before: datetime, now: datetime) -> bool:
        """Remove freezes that were over before a time."""
        return self._remove_over(tables.freezes, func.coalesce(_f.ended_at, _f.until), before, now)

    def _remove_over(
        self, table: Table, over_at: ColumnElement[datetime | None], before: datetime, now: datetime
    ) -> bool:
        which = (over_at < before, _is_numbered_before_others(table.c.id))
        with self._connections.writing() as connection:
            numbers = list(connection.scalars(select(table.c.id).where(*which).limit(_TOGETHER)))
            if not numbers:
                return False
            _delete(connection, table, table.c.id.in_(numbers))
            append(connection, Step(PRUNED, {"entries": [], "older_than": moment_text(before)}), now)
        return True

    def remove_content(
        self, after: int, before: datetime, now: datetime, is_there: Callable[[str], bool]
    ) -> int | None:
        """Remove what entries say that were appended before a time, of those ``after`` the one with that number.

        What is needed to check a row, a run that ``is_there``, or another entry, stays. Return up to which number that was
        looked at, None where there was nothing.
        """
        # Looked at without keeping others from writing: what is needed no more never is again.
        with self._connections.reading() as connection:
            entries = entries_before(connection, after, before, _TOGETHER)
            numbers = [one.sequence for one in entries if not _says_what_is_there(connection, one, is_there)]
        if numbers:
            gone = update(tables.trail).where(_t.id.in_(numbers)).values(content=None)
            with self._connections.writing() as connection:
                connection.execute(gone)
                facts = {"entries": spans(numbers), "older_than": moment_text(before)}
                append(connection, Step(PRUNED, facts), now)
        return entries[-1].sequence if entries else None


def _is_numbered_before_others(number: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a row is not the last of its table: its number would be given again."""
    last: ColumnElement[int] = select(func.max(number)).correlate(None).scalar_subquery()
    return number < last


def _is_told_of_since(of: ColumnElement[bool], before: datetime) -> ColumnElement[bool]:
    """Return the condition that the trail tells of something at a time or later.

    By the trail's own times, which are chained: who sets another back has nothing removed by that.
    """
    return exists().where(of, _t.at >= before)


def _is_needed() -> ColumnElement[bool]:
    """Return the condition that nothing of a rollout may go."""
    n, m, i = tables.news.c, tables.messages.c, tables.message_items.c
    due = (
        select(n.rollout).join(tables.message_items, i.news == n.id).join(tables.messages, m.id == i.message)
    )
    return or_(
        _r.state.in_([RolloutState.RUNNING, RolloutState.WAITING]),
        _r.push.in_(select(tables.last_attempts.c.push)),
        _r.push.in_(select(_o.push).where(_o.closed_at.is_(None))),
        _r.id.in_(select(n.rollout).where(n.is_routed.is_not(True), n.rollout.is_not(None))),
        _r.id.in_(due.where(m.state == MessageState.DUE, n.rollout.is_not(None))),
    )


def _delete(connection: Connection, table: Table, where: ColumnElement[bool]) -> None:
    removed(connection, table, connection.execute(delete(table).where(where).returning(*table.primary_key)))


def _says_what_is_there(connection: Connection, entry: Entry, is_there: Callable[[str], bool]) -> bool:
    """Tell whether what an entry says is needed: of what is kept, or of what was removed, which later entries rest on."""
    if _exists(connection, tables.rollouts, entry.rollout) or _exists(connection, tables.events, entry.event):
        return True
    content = content_of(entry)
    if content is None or "removed" in content or entry.kind == PRUNED:
        return True
    facts = content["facts"]
    if "trail" in facts or is_there(str(facts.get("kept_in", ""))):
        return True
    try:
        if any(_exists_claim(connection, event) for event in facts.get("claims", ())):
            return True
        rows = content.get("rows", {})
        return any(_is_needed_row(connection, name, row) for name, written in rows.items() for row in written)
    except (LookupError, TypeError, AttributeError, ValueError, SQLAlchemyError):
        # Somebody changed it: that stays, to be found.
        return True


def _exists(connection: Connection, table: Table, number: int | None) -> bool:
    if number is None:
        return False
    return connection.scalar(select(table.c.id).where(table.c.id == number)) is not None


def _exists_claim(connection: Connection, event: int) -> bool:
    c = tables.claims.c
    return connection.scalar(select(c.event).where(c.event == event)) is not None


def _is_needed_row(connection: Connection, name: str, row: dict[str, Any]) -> bool:
    """Tell whether an entry is needed to check a row of which it tells: it is there, and no other is known to tell of it."""
    now = _row_now(connection, name, row)
    if now is None:
        return False
    if now == row or "push" not in now:
        return True
    # What a later push made of it is told by an entry of that push.
    contents = connection.scalars(select(_t.content).where(_t.event == now["push"], _t.content.is_not(None)))
    return not any(now in (json.loads(content).get("rows") or {}).get(name, ()) for content in contents)


def _row_now(connection: Connection, name: str, row: dict[str, Any]) -> dict[str, Any] | None:
    table = RECORDED[name]
    columns = ", ".join(f'"{column.name}"' for column in table.c)
    keys = [column.name for column in table.primary_key]
    where = " AND ".join(f'"{key}" = ?' for key in keys)
    query = f"SELECT {columns} FROM {name} WHERE {where}"  # noqa: S608 - our own names
    found = connection.exec_driver_sql(query, tuple(row[key] for key in keys)).first()
    if found is None:
        return None
    now: dict[str, Any] = json.loads(canonical(row_as_kept(table, found)))
    return now
