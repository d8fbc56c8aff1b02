"""Opening the database, and transactions on it."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage import tables

# How many values one statement is given at most.
_AT_ONCE = 1000


class Database:
    """SQLite in WAL mode, committed with fsync. Safe for use by several threads and processes."""

    def __init__(self, path: Path, *, may_upgrade: bool = True) -> None:
        """Open the database at ``path``, and make it when there is none; raises :class:`StoreUnavailable`.

        One of a version before is brought to this one, unless it is in use.
        """
        self._path = path
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        self._reader = engine
        # A transaction that reads first and then writes can fail at once instead of waiting, so it locks at its start.
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        with self.writing() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            if version in tables.UPGRADES and not may_upgrade:
                raise StoreUnavailable(
                    f"{path} is in use by an operator of the version before; restart that, and it is brought up to date"
                )
            while version in tables.UPGRADES:
                for statement in tables.UPGRADES[version]:
                    connection.exec_driver_sql(statement)
                version += 1
            if version not in (0, tables.VERSION):
                raise StoreUnavailable(
                    f"{path} was written by another version (its tables are {version}, ours {tables.VERSION})"
                )
            tables.metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {tables.VERSION}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose work is committed at the end, or not at all."""
        with self._translated(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            hint = "; run this as the operator's user" if "readonly" in str(cause) else ""
            raise StoreUnavailable(f"the database {self._path} does not answer: {cause}{hint}") from error


class Keeper:
    """What keeps something in a database. Safe for use by several threads and processes."""

    def __init__(self, database: Database) -> None:
        """Keep everything in ``database``."""
        self._database = database


def batches(values: Collection[Any]) -> Iterator[Sequence[Any]]:
    """Yield ``values`` in parts, because a statement can hold only so many."""
    listed = list(values)
    for begin in range(0, len(listed), _AT_ONCE):
        yield listed[begin : begin + _AT_ONCE]


def _configure(connection: Any, _record: object) -> None:
    # The driver would begin and commit on its own; we do both ourselves.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
