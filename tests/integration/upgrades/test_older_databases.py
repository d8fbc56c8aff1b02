"""Databases of every version before: what was kept is read, and the tables are those that a new database has."""

from contextlib import closing
from pathlib import Path

import pytest

from integration.audit.lived import flaws
from integration.upgrades.dump import HERE, KNOWN, dump
from integration.upgrades.older import DUMPS, done, restored, tables
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.migrations import FIRST, MIGRATIONS
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events

each_version = pytest.mark.parametrize("dump", DUMPS, ids=lambda one: one.stem)


@each_version
def test_what_an_older_version_kept_is_read_and_its_trail_holds(dump: Path, tmp_path: Path) -> None:
    path = restored(dump, tmp_path / "updater.db")
    assert flaws(path) == []
    with closing(Database(path)) as database:
        storage = Storage(database)
        fleet = storage.fleet.load()
        assert (set(fleet.hosts), set(fleet.targets)) == (set(KNOWN.hosts), set(KNOWN.targets))
        assert "test/app" in str(events(storage, 10))
        assert len(storage.rollouts.outcomes(1)) == 2


@each_version
def test_after_an_upgrade_the_tables_are_those_of_a_new_database(dump: Path, tmp_path: Path) -> None:
    path = restored(dump, tmp_path / "updater.db")
    Database(path).close()
    Database(tmp_path / "new.db").close()
    assert tables(path) == tables(tmp_path / "new.db")
    assert done(path) == sorted((FIRST, *MIGRATIONS))


def test_there_is_a_database_of_today_for_the_versions_to_come(tmp_path: Path) -> None:
    """A change of the tables has it written anew: ``python -m integration.upgrades.dump``."""
    today = HERE / dump(tmp_path).name
    assert today in DUMPS
    Database(restored(today, tmp_path / "updater.db")).close()
    Database(tmp_path / "new.db").close()
    assert tables(tmp_path / "updater.db") == tables(tmp_path / "new.db")
