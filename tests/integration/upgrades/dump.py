"""Writes a database of this version as SQL, for the versions after it: ``PYTHONPATH=operator:tests python -m integration.upgrades.dump``.

It goes to ``NNNN.sql`` beside this file, with the number of the newest migration. Write it again as long as the tables of
that number are not released, and never after.
"""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from integration.audit.lived import live
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.migrations import MIGRATIONS
from registry_docker_updater.storage.storage import Storage
from unit.builders import container, host, service, whole

HERE = Path(__file__).parent
KNOWN = Fleet(
    {one.name: one for one in (host("solo"), host("m1", swarm="alpha", is_manager=True))},
    {one.key: one for one in (container(), service())},
)


def dump(folder: Path = HERE) -> Path:
    """Write what is kept of a life in which something of everything happened; return the file."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "updater.db"
        live(path)
        database = Database(path)
        Storage(database).fleet.apply(whole(KNOWN))
        database.close()
        with closing(sqlite3.connect(path)) as connection:
            lines = list(connection.iterdump())
    file = folder / f"{max(MIGRATIONS)[:4]}.sql"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return file


if __name__ == "__main__":
    print(dump())  # noqa: T201 - for who writes it
