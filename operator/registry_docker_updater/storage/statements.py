"""Statements that several stores execute: many rows at once, and rows in the place of others."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Insert,
    Table,
    Update,
    and_,
    bindparam,
    insert,
    update,
)
from sqlalchemy.dialects import sqlite

T = TypeVar("T")
# How many values one statement is given at most.
_AT_ONCE = 1000
# What the primary key of a row that is replaced is called in a statement, beside its new values.
_ITSELF = "its_"


def batches(values: Collection[T], size: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    """Yield ``values`` in parts, because a statement can hold only so many."""
    listed = list(values)
    for begin in range(0, len(listed), size):
        yield listed[begin : begin + size]


def by_registry(entries: Iterable[tuple[str, T]]) -> Iterable[tuple[str, list[T]]]:
    """Return what belongs to each registry, in its order."""
    grouped: dict[str, list[T]] = {}
    for registry, entry in entries:
        grouped.setdefault(registry, []).append(entry)
    return grouped.items()


def by_no_index(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return ``column`` for a condition that most rows meet: an index on it would lead to them all."""
    return column.concat("")


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Write ``row``, in the place of the one that has its primary key if there is one.

    In two statements, because every dialect has its own for it; a transaction that writes has the table for itself.
    """
    replace, add = _putting(table)
    itself = {_ITSELF + column.name: row[column.name] for column in table.primary_key}
    if not connection.execute(replace, {**row, **itself}).rowcount:
        connection.execute(add, row)


def put_all(
    connection: Connection,
    table: Table,
    add: Sequence[Mapping[str, Any]],
    replace: Sequence[Mapping[str, Any]],
) -> None:
    """Write many rows: those to ``add`` have primary keys that no row has, those to ``replace`` have those of rows."""
    replacing, adding = _putting(table)
    if add:
        connection.execute(adding, add)
    if replace:
        keys = [column.name for column in table.primary_key]
        connection.execute(
            replacing, [{**row, **{_ITSELF + key: row[key] for key in keys}} for row in replace]
        )


def putting_newer(table: Table, at: Column[Any], now: Column[Any]) -> Insert:
    """Return what writes rows, each in the place of the one with its primary key, unless that is newer.

    By the column ``at``; one that is later than what the new one has in ``now`` was dated by a clock that was ahead.
    """
    statement = sqlite.insert(table)
    keys = list(table.primary_key)
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={one.name: statement.excluded[one.name] for one in table.c if one not in keys},
        where=(statement.excluded[at.name] >= at) | (statement.excluded[now.name] < at),
    )


@cache
def _putting(table: Table) -> tuple[Update, Insert]:
    # Made once: with every row, making them took longer than having them executed.
    itself = and_(*(column == bindparam(_ITSELF + column.name) for column in table.primary_key))
    return update(table).where(itself), insert(table)
