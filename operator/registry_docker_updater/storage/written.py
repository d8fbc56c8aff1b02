"""What a transaction has written so far, and the trail is still to say: none is committed before an entry has it all."""

import json
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
    )
}
_WRITTEN = "written"

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
    """Return a row as an entry has it."""
    return {column.name: brief(row.get(column.name)) for column in table.c}


def row_as_kept(table: Table, values: Iterable[Any]) -> Row:
    """Return a row as an entry has it, of the values that lie in the database; those that cannot be read are told as such."""
    return {column.name: _as_kept(column, value) for column, value in zip(table.c, values, strict=True)}


def _as_kept(column: Column[Any], value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str) and isinstance(column.type, tables.Moment):
        return f"{value.replace(' ', 'T')}Z"
    if isinstance(value, str) and isinstance(column.type, JSON):
        try:
            return brief(json.loads(value))
        except ValueError:
            return {"no_json": value}
    if isinstance(column.type, Boolean) and value in (0, 1):
        return bool(value)
    return brief(value)


def _of(connection: Connection) -> Written:
    written: Written = connection.info.setdefault(_WRITTEN, Written())
    return written
