"""Databases as older versions left them: each number has the one that its program wrote, as SQL."""

import sqlite3
from contextlib import closing
from pathlib import Path

from integration.upgrades.dump import HERE

DUMPS = sorted(HERE.glob("[0-9]*.sql"))


def restored(dump: Path, path: Path) -> Path:
    """Make the database of a dump at ``path``."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    return path


def tables(path: Path) -> dict[str, set[tuple[str, str]]]:
    """The columns of each table, and the indexes, whatever their order."""
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {
            name: {(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info('{name}')")}
            for name in names
        }
        found["indexes"] = {
            (row[0], " ".join((row[1] or "").replace('"', "").split()))
            for row in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
        }
    return found


def content(path: Path) -> list[str]:
    """All that a database holds, as it could be written again."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def done(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM migrations ORDER BY name")]
