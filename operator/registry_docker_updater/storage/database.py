"""Opening the database, and transactions on it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import (
    Connection,
    create_engine,
    event,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from registry_docker_updater.clock import utc_now
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.files import OpenFiles, make_database_private
from registry_docker_updater.storage.migrations import migrate
from registry_docker_updater.storage.written import all_recorded

# How many seconds other writers are waited for.
PATIENCE = 10.0
# The SQL function that tells whether a casefolded text is in one of others, whatever their case.
MENTIONS, _BETWEEN = "mentions", "\0"
# No row has a number as large: SQLite's have 64 bits.
BEYOND = 2**63
# As SQLite calls a database that is in no file.
_IN_MEMORY = Path(":memory:")


def sqlite_version() -> str:
    """Return the version of SQLite with which databases are read and written."""
    return sqlite3.sqlite_version


class Connections(Protocol):
    """Where a store gets its connections: a database, each in a transaction of its own; or one that is open."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one state of the database."""

    def writing(self, patience: float = PATIENCE) -> AbstractContextManager[Connection]:
        """Give a connection whose work is committed at the end, or not at all.

        Other writers are waited for, ``patience`` seconds at most.
        """


class Database:
    """SQLite in WAL mode, committed with fsync. Safe for use by several threads and processes."""

    def __init__(  # noqa: PLR0913 - where it is, and how it is opened
        self,
        path: Path,
        *,
        may_upgrade: bool = True,
        as_it_is: bool = False,
        guard: Callable[[], str | None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
        metrics: Metrics | None = None,
    ) -> None:
        """Open the database at ``path``, and make it when there is none; raises :class:`StoreUnavailable`.

        One of a version before is brought to this one, unless it is in use, or opened ``as_it_is``, to be copied. Nothing is
        written while ``guard`` says that, and why, it must not be.
        """
        self._path, self._guard, self._metrics = path, guard, metrics
        self._failed: str | None = None
        self._files: OpenFiles | None = None
        if path != _IN_MEMORY:
            make_database_private(path)
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        self._reader = engine
        # A transaction that reads first and then writes can fail at once instead of waiting, so it locks at its start.
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        if not as_it_is:
            with self.writing() as connection:
                migrate(connection, path, clock(), may_upgrade=may_upgrade)
        self._files = OpenFiles(path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator[Connection]:
        """Give a connection whose work is committed at the end, or not at all."""
        begun = time.monotonic()
        try:
            with self._writing(patience) as connection:
                yield connection
        except StoreUnavailable:
            self._count(begun, is_done=False)
            raise
        self._count(begun, is_done=True)

    def _count(self, begun: float, *, is_done: bool) -> None:
        if self._metrics:
            self._metrics.committed(time.monotonic() - begun, is_done=is_done)

    @contextmanager
    def _writing(self, patience: float) -> Iterator[Connection]:
        self._check_place()
        writer = self._writer.execution_options(patience=patience)
        try:
            with self._translated(), writer.begin() as connection, all_recorded(connection):
                yield connection
        except StoreUnavailable as error:
            self._failed = str(error)
            raise
        # What went into a file that nobody will find again must not pass for kept.
        self._check_place()
        self._failed = None

    def trouble(self) -> str | None:
        """Return why nothing can be kept, as far as the last try and a look at the files tell; None where it can be."""
        return self._lost() or self._failed

    def probe(self) -> None:
        """Try to write; raises :class:`StoreUnavailable`."""
        with self.writing() as connection:
            name = tables.migrations.c.name
            connection.execute(update(tables.migrations).values(name=name))

    def _lost(self) -> str | None:
        return self._guard() or (self._files.lost() if self._files else None)

    def _check_place(self) -> None:
        if lost := self._lost():
            raise StoreUnavailable(lost)

    def copy_to(self, path: Path) -> None:
        """Write one state of it to a new file at ``path``, for its owner alone; others go on writing meanwhile.

        Raises :class:`StoreUnavailable`.
        """
        make_database_private(path)
        try:
            with self.reading() as connection, closing(sqlite3.connect(path)) as copy:
                # All at once: SQLite begins a copy in parts anew whenever another process writes.
                connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database {self._path} cannot be copied to {path}: {error}") from None

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            cause = getattr(error, "orig", None) or error
            hint = "; run this as the operator's user" if "readonly" in str(cause) else ""
            raise StoreUnavailable(f"the database {self._path} does not answer: {cause}{hint}") from error


class OpenTransaction:
    """The one connection of a transaction that is open: what several stores do through it is committed together."""

    def __init__(self, connection: Connection) -> None:
        """Give ``connection`` to all who ask."""
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give the connection."""
        yield self._connection

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator[Connection]:  # noqa: ARG002
        """Give the connection; whoever opened the transaction commits."""
        yield self._connection


def _configure(connection: Any, _record: object) -> None:
    # The driver would begin and commit on its own; we do both ourselves.
    connection.isolation_level = None
    connection.create_function(MENTIONS, -1, _mentions, deterministic=True)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _mentions(text: str, *others: str | None) -> bool:
    # It is called for each of 100,000 rows: one text made of all takes a third less than each by itself.
    return text in _BETWEEN.join(filter(None, others)).casefold()


def _begin(connection: Connection) -> None:
    given = connection.get_execution_options()
    patience = given.get("patience", PATIENCE)
    if connection.info.get("patience") != patience:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
        connection.info["patience"] = patience
    connection.exec_driver_sql(given.get("begin", "BEGIN"))
