"""Reading the trail, and appending what changes nothing else that is kept."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from registry_docker_updater.core.audit.entries import Entry, Step, TrailHead
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.chain import append, driver_connection, in_database, last_given
from registry_docker_updater.storage.database import BEYOND, Connections
from registry_docker_updater.storage.statements import batches
from registry_docker_updater.storage.written import RECORDED, is_moment, moment_as_kept, row_as_kept

_t = tables.trail.c
_READ_TOGETHER = 1000
# What is said of several events comes soon after each of them, also in a storm of events.
_NEAR, _FIRST = 10_000, 5
# To the driver itself: a moment that was changed is none that SQLAlchemy could read, and there may be a million.
_ENTRIES = "SELECT id, at, kind, event, rollout, content, content_hash, hash FROM trail"


class TrailStore:
    """Reads the trail, and appends to it."""

    def __init__(self, connections: Connections) -> None:
        """Read it through ``connections``."""
        self._connections = connections

    def append(self, step: Step, at: datetime) -> None:
        """Append an entry."""
        with self._connections.writing() as connection:
            append(connection, step, at)

    def head(self) -> TrailHead:
        """Return the last entry's number and hash."""
        with self._connections.reading() as connection, _as_it_lies(connection):
            row = connection.exec_driver_sql(f"{_ENTRIES} ORDER BY id DESC LIMIT 1").first()
        return _entry(row).head if row else TrailHead()

    def hash_of(self, sequence: int) -> str | None:
        """Return the hash of the entry with a number, or None where there is none."""
        with self._connections.reading() as connection:
            return connection.scalar(select(_t.hash).where(_t.id == sequence))

    def last_of(self, kind: str) -> Entry | None:
        """Return the last entry of a kind."""
        query = f"{_ENTRIES} WHERE kind = ? ORDER BY id DESC LIMIT 1"
        with self._connections.reading() as connection, _as_it_lies(connection):
            row = connection.exec_driver_sql(query, (kind,)).first()
        return _entry(row) if row else None

    def of_kinds(self, kinds: Collection[str]) -> tuple[Entry, ...]:
        """Return the entries of some kinds, in order."""
        marks = ", ".join("?" * len(kinds))
        with self._connections.reading() as connection, _as_it_lies(connection):
            rows = connection.exec_driver_sql(f"{_ENTRIES} WHERE kind IN ({marks}) ORDER BY id", tuple(kinds))
            return tuple(map(_entry, rows))

    def last_given(self) -> int:
        """Return the number that was given last, whether or not its entry is still there."""
        with self._connections.reading() as connection:
            return last_given(connection)[0]

    def last_of_rollout(self, rollout: int) -> int:
        """Return the number of the last entry of a rollout; 0 where there is none."""
        with self._connections.reading() as connection:
            return connection.scalar(select(func.max(_t.id)).where(_t.rollout == rollout)) or 0

    def entries(self, after: int = 0, up_to: int | None = None) -> Iterator[Entry]:
        """Yield the entries ``after`` one number and ``up_to`` another, in order; not all of them are in memory at once."""
        last: int | None = after
        while last is not None:
            with self._connections.reading() as connection, _as_it_lies(connection):
                query = f"{_ENTRIES} WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
                values = (last, BEYOND - 1 if up_to is None else up_to, _READ_TOGETHER)
                some = [_entry(row) for row in connection.exec_driver_sql(query, values)]
            yield from some
            last = some[-1].sequence if len(some) == _READ_TOGETHER else None

    def newest(
        self,
        limit: int,
        before: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Entry, ...]:
        """Return the newest ``limit`` entries, newest first: of those ``before`` a number, ``since`` a time, and before another."""
        wheres: dict[str, Any] = {
            "id < ?": BEYOND - 1 if before is None else before,
            **({"at >= ?": in_database(since)} if since else {}),
            **({"at < ?": in_database(until)} if until else {}),
        }
        query = f"{_ENTRIES} WHERE {' AND '.join(wheres)} ORDER BY id DESC LIMIT ?"
        with self._connections.reading() as connection, _as_it_lies(connection):
            return tuple(map(_entry, connection.exec_driver_sql(query, (*wheres.values(), limit))))

    def entry(self, sequence: int) -> Entry:
        """Return the entry with a number, which is known to be there."""
        with self._connections.reading() as connection, _as_it_lies(connection):
            return _entry(connection.exec_driver_sql(f"{_ENTRIES} WHERE id = ?", (sequence,)).one())

    def recorded_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every row that the trail tells of, as it is now and as an entry would have it, with its table's name."""
        with self._connections.reading() as connection, _as_it_lies(connection):
            # As it lies there: what somebody changed may be no moment, and no JSON, any more.
            for name, table in RECORDED.items():
                columns = ", ".join(f'"{column.name}"' for column in table.c)
                for row in connection.exec_driver_sql(f"SELECT {columns} FROM {name}"):  # noqa: S608 - our own names
                    yield name, row_as_kept(table, row)

    def open_claims(self) -> tuple[tuple[tuple[str, str, str], int, Any], ...]:
        """Return which event of each tag waits for its registry: the tag, the event's number, and when that occurred."""
        query = "SELECT registry, repository, tag, event, occurred_at FROM claims"
        with self._connections.reading() as connection, _as_it_lies(connection):
            rows = connection.exec_driver_sql(query)
            return tuple(
                ((row.registry, row.repository, row.tag), row.event, moment_as_kept(row.occurred_at))
                for row in rows
            )

    def of_rollout(
        self, rollout: int, event: int, limit: int | None = None, before: int | None = None
    ) -> tuple[Entry, ...]:
        """Return the entries of a rollout and of the event that began it, in order: the newest ``limit`` ``before`` a number."""
        newest = "SELECT id FROM trail WHERE (rollout = ? OR event = ?) AND id < ? ORDER BY id DESC LIMIT ?"
        values = (rollout, event, BEYOND - 1 if before is None else before, -1 if limit is None else limit)
        query = f"{_ENTRIES} WHERE id IN ({newest}) ORDER BY id"
        with self._connections.reading() as connection, _as_it_lies(connection):
            return tuple(map(_entry, connection.exec_driver_sql(query, values)))

    def of_several(self, kind: str, after: int) -> tuple[Entry, ...]:
        """Return the first entries of a kind ``after`` one number that are of no single event; those far after it are not looked for."""
        query = f"{_ENTRIES} WHERE id > ? AND id <= ? AND kind = ? AND event IS NULL ORDER BY id LIMIT ?"
        with self._connections.reading() as connection, _as_it_lies(connection):
            values = (after, after + _NEAR, kind, _FIRST)
            return tuple(map(_entry, connection.exec_driver_sql(query, values)))

    def hashes_of(self, sequences: Collection[int]) -> Mapping[int, str]:
        """Return the hashes of the entries with these numbers, of those that are there."""
        with self._connections.reading() as connection:
            query = select(_t.id, _t.hash)
            rows = [
                row
                for some in batches(sorted(sequences))
                for row in connection.execute(query.where(_t.id.in_(some)))
            ]
        return {row.id: row.hash for row in rows}


def entries_before(connection: Connection, after: int, before: datetime, limit: int) -> list[Entry]:
    """Return entries that say something, ``after`` the one with that number, which were appended before a time."""
    query = f"{_ENTRIES} WHERE id > ? AND at < ? AND content IS NOT NULL ORDER BY id LIMIT ?"
    values = (after, in_database(before), limit)
    return [_entry(row) for row in connection.exec_driver_sql(query, values)]


@contextmanager
def _as_it_lies(connection: Connection) -> Iterator[None]:
    """Read text that is no UTF-8 all the same: somebody changed it, and that is to be told."""
    driver = driver_connection(connection)
    before = driver.text_factory
    driver.text_factory = lambda content: content.decode("utf-8", "backslashreplace")
    try:
        yield
    finally:
        driver.text_factory = before


def _entry(row: Row[Any]) -> Entry:
    """Return an entry as it lies there: whatever somebody made of it can be told, and does not follow from the one before."""
    at = datetime.min.replace(tzinfo=UTC)
    if is_moment(row.at):
        with suppress(ValueError):
            at = datetime.fromisoformat(f"{row.at}+00:00")
    content = row.content if row.content is None else str(row.content)
    return Entry(row.id, at, str(row.kind), row.event, row.rollout, content, row.content_hash, str(row.hash))
