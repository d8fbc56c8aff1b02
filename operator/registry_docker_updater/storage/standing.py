"""How the tables of a database stand to those of this version: what was done to them, by which version, and what was not yet."""

import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from registry_docker_updater import __version__
from registry_docker_updater.errors import NewerDatabase, StoreUnavailable

_VERSION = "version"


@dataclass(frozen=True)
class Standing:
    """The names of all that was ``done`` to the tables, in order, and of what is ``missing``; ``at`` is the number of the last done."""

    done: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def at(self) -> str:
        """The number of the newest of what was done, such as ``0012``."""
        return max(self.done)[:4]


def standing_of(path: Path, known: Collection[str]) -> Standing | None:
    """Return how the database at ``path`` stands, of which this version knows ``known``; it is only read.

    None where there is none, or one that has no such names: a new one, one of before the first release, or a file that is no
    database. Raises :class:`NewerDatabase`, and :class:`StoreUnavailable` where it cannot be read now.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            # In a table of before there was that column, its name would be taken for a text.
            columns = [row[1] for row in connection.execute("PRAGMA table_info(migrations)")]
            if not columns:
                return None
            version = _VERSION if _VERSION in columns else "NULL"
            rows = connection.execute(f"SELECT name, {version} FROM migrations").fetchall()  # noqa: S608 - one of two texts of ours
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            return None
        hint = (
            ""
            if os.access(path, os.R_OK | os.W_OK)
            else f"; give it to the operator's user: it is of {path.stat().st_uid}"
        )
        raise StoreUnavailable(f"{path} cannot be read: {error}{hint}") from None
    return standing(path, dict(rows), known)


def standing(path: Path, done: dict[str, str | None], known: Collection[str]) -> Standing:
    """Return how the database at ``path`` stands, by what was ``done`` to it, each by which version, as far as that is known.

    Raises :class:`NewerDatabase`.
    """
    unknown = done.keys() - known
    if unknown:
        newest = max(unknown)
        raise NewerDatabase(path, done[newest], newest, __version__)
    return Standing(tuple(sorted(done)), tuple(name for name in known if name not in done))
