"""What a transaction has written so far, and the trail is still to say: none is committed before an entry has it all."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ColumnElement, Connection, Table, select

from registry_docker_updater.core.audit.canonical import brief
from registry_docker_updater.storage import tables

# The tables whose every row is in the trail as it is. What scans find is found again, `ignored` counts, and which claims are
# open follows from their events.
RECORDED: Mapping[str, Table] = {
    table.name: table
    for table in (
        tables.events,
        tables.newest,
        tables.rollouts,
        tables.outcomes,
        tables.last_attempts,
        tables.refusals,
        tables.retries,
        tables.overrides,
        tables.notifications,
        tables.news,
        tables.messages,
        tables.message_items,
        tables.silences,
        tables.decisions,
        tables.freezes,
    )
}
# Columns that are younger than the trail, with what they hold in the rows of before: entries of those do not tell it.
LATER: Mapping[str, Mapping[str, Any]] = {
    tables.outcomes.name: {tables.outcomes.c.log.name: "[]", tables.outcomes.c.held.name: False},
    tables.last_attempts.name: {
        tables.last_attempts.c.held.name: False,
        tables.last_attempts.c.given_up.name: None,
        tables.last_attempts.c.is_unheard.name: False,
    },
    tables.overrides.name: {tables.overrides.c.breaks.name: "[]"},
    tables.rollouts.name: {
        tables.rollouts.c.waits.name: "[]",
        tables.rollouts.c.approval_of.name: None,
        tables.rollouts.c.waiting_since.name: None,
    },
}
_WRITTEN = "written"
_JSON = {
    name: tuple(column.name for column in table.c if isinstance(column.type, JSON))
    for name, table in RECORDED.items()
}
_PLAIN = {
    name: tuple(column.name for column in table.c if column.name not in _JSON[name])
    for name, table in RECORDED.items()
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")

Row = dict[str, Any]


@dataclass
class Written:
    """Rows by their tables, as they are now, and the primary keys of those that are gone."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    removed: dict[str, list[list[Any]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows or self.removed)

    def content(self, facts: Mapping[str, Any]) -> Row:
        """Return what an entry says: ``facts``, and these rows."""
        content: Row = {"facts": dict(facts)}
        if self.rows:
            content["rows"] = self.rows
        if self.removed:
            content["removed"] = self.removed
        return content


def wrote(connection: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Note ``rows``, all columns of them, that were written into ``table``."""
    if rows:
        _of(connection).rows.setdefault(table.name, []).extend(recorded_row(table, row) for row in rows)


def wrote_where(connection: Connection, table: Table, where: ColumnElement[bool]) -> None:
    """Note the rows of ``table`` that meet a condition, as they are now: some columns of them were written."""
    wrote(connection, table, *connection.execute(select(table).where(where)).mappings())


def removed(connection: Connection, table: Table, keys: Iterable[Iterable[Any]]) -> None:
    """Note the primary keys of rows that were removed from ``table``."""
    gone = [list(key) for key in keys]
    if gone:
        _of(connection).removed.setdefault(table.name, []).extend(gone)


def taken(connection: Connection) -> Written:
    """Return what was written since this was last asked: it is about to be in an entry."""
    written = _of(connection)
    connection.info[_WRITTEN] = Written()
    return written


@contextmanager
def all_recorded(connection: Connection) -> Iterator[None]:
    """Let a transaction pass whose every change has an entry; another is a bug, and is not committed."""
    connection.info[_WRITTEN] = Written()
    try:
        yield
        left = _of(connection)
        if left:
            raise RuntimeError(f"the trail does not say what was written: {left}")
    finally:
        connection.info.pop(_WRITTEN, None)


def recorded_row(table: Table, row: Mapping[str, Any]) -> Row:
    """Return a row as an entry has it: JSON as the text that is kept of it."""
    recorded = {name: brief(row.get(name)) for name in _PLAIN[table.name]}
    for name in _JSON[table.name]:
        value = row.get(name)
        recorded[name] = None if value is None else brief(json.dumps(value))
    return recorded


def row_as_kept(table: Table, values: Iterable[Any]) -> Row:
    """Return a row as an entry has it, of the values that lie in the database; those that cannot be read are told as such."""
    return {column.name: _as_kept(column, value) for column, value in zip(table.c, values, strict=True)}


def moment_as_kept(value: Any) -> Any:
    """Return a moment that lies in the database as an entry has it."""
    return f"{value.replace(' ', 'T')}Z" if is_moment(value) else {"no_moment": str(value)}


def is_moment(value: Any) -> bool:
    """Tell whether a value is a moment as SQLAlchemy keeps it in SQLite, and in no other form."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def _as_kept(column: Column[Any], value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if value is not None and isinstance(column.type, tables.Moment):
        return moment_as_kept(value)
    if value == "null" and isinstance(column.type, JSON):
        # Nothing, as JSON has it.
        return None
    if isinstance(column.type, Boolean) and value in (0, 1):
        return bool(value)
    return brief(value)


def _of(connection: Connection) -> Written:
    written: Written = connection.info.setdefault(_WRITTEN, Written())
    return written
