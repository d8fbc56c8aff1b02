"""The database: what is there after it was closed, two processes at it, and what is none of ours."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from integration.keeping import HOSTS, push, record, reopened
from registry_docker_updater import __version__
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.migrations import MIGRATIONS, Migration, migrate
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events
from registry_docker_updater.views.fleet import fleet as view
from unit.builders import NEW, NEWER, NOON, OLD, at, container, host, service, whole


def test_the_fleet_is_given_back_as_it_was_kept(storage: Storage) -> None:
    targets = (
        container(since=at(1.234567)),
        service(),
        replace(container("x"), reference=None, digests=frozenset((OLD, NEW)), state="running"),
        replace(container("y"), digests=frozenset(), image="nginx"),
    )
    hosts = (host("solo", at(3), "no route"), host("m1", swarm="alpha", is_manager=True, warnings=("a", "b")))
    fleet = Fleet({one.name: one for one in hosts}, {one.key: one for one in targets})
    storage.fleet.apply(whole(fleet))
    assert storage.fleet.load() == fleet
    json.dumps(view(fleet))
    update = FleetChange(
        hosts={"solo": host("solo", at(9), live="followed")}, targets={web.key: None for web in targets[2:]}
    )
    storage.fleet.apply(update)
    assert storage.fleet.load() == fleet.changed(update)
    storage.fleet.apply(FleetChange())
    assert storage.fleet.load() == fleet.changed(update)


def test_keeping_what_has_changed_leaves_all_other_rows_alone(storage: Storage, path: Path) -> None:
    """The rows of a large fleet are not written again for the answer of one host."""
    targets = [container(f"web{number}", on=f"h{number}") for number in range(50)]
    hosts = {target.hosts[0]: host(target.hosts[0]) for target in targets}
    storage.fleet.apply(FleetChange(hosts, {target.key: target for target in targets}))
    with sqlite3.connect(path) as database:
        before = database.execute("SELECT rowid, name FROM targets ORDER BY rowid").fetchall()
    storage.fleet.apply(
        FleetChange({"h7": host("h7", at(9))}, {targets[7].key: replace(targets[7], state="running")})
    )
    with sqlite3.connect(path) as database:
        after = database.execute("SELECT rowid, name FROM targets ORDER BY rowid").fetchall()
    assert [row for row in before if row[1] != "web7"] == [row for row in after if row[1] != "web7"]
    assert storage.fleet.load().targets[targets[7].key].state == "running"


def test_everything_is_there_after_the_database_was_closed(storage: Storage, path: Path) -> None:
    storage.events.record("production", [push()], at(5))
    storage.fleet.apply(whole(Fleet({"solo": host("solo")}, {})))
    again = reopened(path)
    assert [desired.digest for desired in again.events.desired(HOSTS)] == [NEW]
    assert list(again.fleet.load().hosts) == ["solo"]


_RECORDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
storage = Storage(Database(Path(sys.argv[1])))
now = datetime.now(UTC)
for number in range(40):
    push = Push("production", "test/app", "1", f"sha256:{number:064x}", now, f"{number}")
    print(storage.events.record("production", [push], now).accepted)
"""


def test_processes_that_record_the_same_events_at_once_record_each_once(storage: Storage, path: Path) -> None:
    recorders = [
        subprocess.Popen([sys.executable, "-c", _RECORDER, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [recorder.communicate(timeout=60)[0] for recorder in recorders]
    assert [recorder.returncode for recorder in recorders] == [0, 0, 0]
    assert sum(int(line) for output in outputs for line in output.split()) == 40
    assert len(events(storage, 1000)) == 40


def test_a_transaction_that_reads_before_it_writes_is_not_broken_by_another_writer(path: Path) -> None:
    """SQLite would refuse its write at once, had the other committed in between; so the other waits."""
    database = Database(path)
    storage = Storage(database)
    other = threading.Thread(target=record, args=(storage, push(NEWER)))
    with database.writing() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM events")
        other.start()
        other.join(0.3)
        connection.exec_driver_sql("DELETE FROM events")
    other.join()
    assert len(events(storage, 10)) == 1


def test_what_is_done_in_one_transaction_is_kept_as_a_whole_or_not_at_all(
    storage: Storage, path: Path
) -> None:
    other = reopened(path)

    def two_things_and_a_failure() -> None:
        with storage.transaction() as kept:
            record(kept, push())
            kept.fleet.apply(whole(Fleet({"solo": host("solo")}, {})))
            assert other.fleet.load() == Fleet(), "nobody sees it before its end"
            raise InterruptedError

    with pytest.raises(InterruptedError):
        two_things_and_a_failure()
    assert events(storage, 10) == []
    assert storage.fleet.load() == Fleet()


def test_a_snapshot_shows_one_state_whatever_happens_meanwhile(storage: Storage, path: Path) -> None:
    with storage.snapshot() as seen:
        assert events_of(seen) == 0
        record(reopened(path), push())
        assert events_of(seen) == 0
    assert events_of(storage) == 1


def events_of(storage: Storage) -> int:
    return len(events(storage, 10))


LATER: Mapping[str, Migration] = {
    **MIGRATIONS,
    "9002 a colour": lambda connection: connection.execute(text("ALTER TABLE hosts ADD COLUMN colour TEXT")),
    "9003 all red": lambda connection: connection.execute(text("UPDATE hosts SET colour = 'red'")),
}


def upgrade(path: Path, migrations: Mapping[str, Migration], *, may_upgrade: bool = True) -> None:
    """Open a database with an operator of another version, as it were."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection, path, NOON, may_upgrade=may_upgrade, migrations=migrations)
    engine.dispose()


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def test_a_database_of_a_version_before_is_brought_to_this_one_step_by_step_and_once(
    storage: Storage, path: Path
) -> None:
    storage.fleet.apply(whole(Fleet({"solo": host("solo")}, {})))
    for _ in range(2):
        upgrade(path, LATER)
        with sqlite3.connect(path) as connection:
            assert connection.execute("SELECT colour FROM hosts").fetchall() == [("red",)]
            connection.execute("UPDATE hosts SET colour = 'red'")
    done = [row for row in dump(path) if 'INTO "migrations"' in row]
    assert len(done) == 1 + len(LATER)


def test_a_database_that_an_older_operator_works_with_is_left_as_it_is(storage: Storage, path: Path) -> None:
    assert storage.fleet.load() == Fleet()
    before = dump(path)
    with pytest.raises(StoreUnavailable, match="restart that, and it is brought up to date"):
        upgrade(path, LATER, may_upgrade=False)
    assert dump(path) == before


def test_a_new_database_needs_none_of_the_changes_of_older_ones(path: Path) -> None:
    upgrade(path, {"0002 a colour": lambda _: pytest.fail("the tables are made as they are now")})
    upgrade(path, {"0002 a colour": lambda _: pytest.fail("and are known to be")})


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_was(storage: Storage, path: Path) -> None:
    assert storage.fleet.load() == Fleet()
    upgrade(path, LATER)
    before = dump(path)
    with pytest.raises(
        StoreUnavailable,
        match=rf"updater\.db is of a later version \(9003 all red\), and this is {__version__}, which does",
    ):
        Database(path)
    assert dump(path) == before


def test_a_database_of_before_the_first_release_is_refused_with_a_remedy(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tried (key TEXT)")
        connection.execute("PRAGMA user_version = 3")
    before = dump(path)
    with pytest.raises(StoreUnavailable, match="of before the first release; move it away"):
        Database(path)
    assert dump(path) == before


def test_a_file_that_is_no_database_is_refused_and_named(path: Path) -> None:
    path.write_bytes(b"this is not a database, " * 100)
    with pytest.raises(StoreUnavailable, match=r"updater\.db does not answer: file is not a database"):
        Database(path)


def test_a_folder_that_is_not_there_is_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"none/updater\.db does not answer: unable to open"):
        Database(tmp_path / "none" / "updater.db")
