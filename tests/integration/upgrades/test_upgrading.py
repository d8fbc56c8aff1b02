"""An upgrade: a backup first, then the tables as a whole or not at all; and the way back."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import Engine

from integration.audit.lived import flaws
from integration.conftest import Run, Site
from integration.keeping import ANN
from integration.upgrades.dump import HERE
from integration.upgrades.older import DUMPS, content, done, restored
from lab.waiting import until
from registry_docker_updater import __version__
from registry_docker_updater.activities.restore import restore
from registry_docker_updater.activities.upgrade import backups_of_upgrades, outdated, upgrade
from registry_docker_updater.edges.archive import unpack
from registry_docker_updater.edges.lock import UPGRADING, hold
from registry_docker_updater.errors import StoreUnavailable, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.migrations import FIRST, KNOWN, MIGRATIONS
from unit.builders import at

# The oldest, and the last before this one.
OLDEST, BEFORE = DUMPS[0], HERE / "0012.sql"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that the version before left."""
    restored(BEFORE, tmp_path / "state" / "updater.db")
    return tmp_path / "state"


def bring_up_to_date(state: Path, second: float = 0, **more: Callable[[Path], int]) -> None:
    old = outdated(state)
    assert old
    upgrade(old, lambda: at(second), **more)


def set_back(state: Path) -> None:
    """The version before works with it again: what kept it is there once more."""
    (state / "updater.db").unlink()
    restored(BEFORE, state / "updater.db")


@pytest.mark.parametrize("dump", [OLDEST, BEFORE], ids=lambda one: one.stem)
def test_an_upgrade_makes_a_backup_first_from_which_the_version_before_can_go_on(
    dump: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    state = tmp_path / "state"
    before = content(restored(dump, state / "updater.db"))
    bring_up_to_date(state)
    (file,) = backups_of_upgrades(state)
    assert file.name == f"20261122T120000Z-from-{dump.stem}.tar.gz"
    assert f"it is backed up first, to {file}" in caplog.text
    assert f"the database was brought to {__version__}; to go back, restore {file}" in caplog.text
    (tmp_path / "unpacked").mkdir()
    assert list(unpack(file, tmp_path / "unpacked")) == ["backup.json", "updater.db"]
    assert content(tmp_path / "unpacked" / "updater.db") == before
    assert outdated(state) is None
    assert flaws(state / "updater.db") == []


@pytest.mark.parametrize("dump", [OLDEST, BEFORE], ids=lambda one: one.stem)
def test_a_backup_of_a_version_before_is_restored_and_brought_up_to_date(dump: Path, tmp_path: Path) -> None:
    restored(dump, tmp_path / "state" / "updater.db")
    bring_up_to_date(tmp_path / "state")
    (file,) = backups_of_upgrades(tmp_path / "state")
    (tmp_path / "again").mkdir()
    assert restore(file, tmp_path / "again", ANN, lambda: at(1)).flaws == ()
    assert done(tmp_path / "again" / "updater.db") == sorted(KNOWN)


def test_nothing_is_backed_up_where_there_is_nothing_to_upgrade(tmp_path: Path) -> None:
    assert outdated(tmp_path) is None
    Database(tmp_path / "updater.db").close()
    assert outdated(tmp_path) is None


def test_an_upgrade_that_was_cut_off_goes_on_with_the_backup_that_it_made(
    state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rehearsed = MIGRATIONS[KNOWN[-1]]

    def break_down(connection: Connection) -> None:
        if connection.engine.url.database == f"{state}/updater.db":
            raise KeyboardInterrupt
        rehearsed(connection)

    with monkeypatch.context() as patched:
        patched.setitem(MIGRATIONS, KNOWN[-1], break_down)
        with pytest.raises(KeyboardInterrupt):
            bring_up_to_date(state)
    assert done(state / "updater.db")[-1].startswith("0012")
    caplog.set_level("INFO")
    bring_up_to_date(state, 60)
    (file,) = backups_of_upgrades(state)
    assert f"it was backed up already, to {file}" in caplog.text


def test_a_change_of_the_tables_that_fails_is_found_out_on_the_copy(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection) -> None:
        assert connection.engine.url.database != f"{state}/updater.db"
        connection.execute(text("ALTER TABLE nowhere ADD COLUMN more TEXT"))

    before = content(state / "updater.db")
    monkeypatch.setitem(MIGRATIONS, KNOWN[-1], fail)
    with pytest.raises(
        UpdaterError,
        match=r"was not brought to this one, for a backup of it could not be made and tried first: .*no such table",
    ):
        bring_up_to_date(state)
    assert (content(state / "updater.db"), backups_of_upgrades(state)) == (before, [])


def test_what_was_kept_since_a_backup_is_in_a_new_one(state: Path) -> None:
    bring_up_to_date(state)
    set_back(state)
    with closing(sqlite3.connect(state / "updater.db")) as connection, connection:
        connection.execute("DELETE FROM trail WHERE id = (SELECT max(id) FROM trail)")
    bring_up_to_date(state, 60)
    assert len(backups_of_upgrades(state)) == 2


def test_the_last_three_backups_of_upgrades_are_kept(tmp_path: Path) -> None:
    for second in range(5):
        state = tmp_path / "state"
        if second:
            (state / "updater.db").unlink()
        restored(OLDEST, state / "updater.db")
        bring_up_to_date(state, second)
    assert [file.name[13:15] for file in backups_of_upgrades(state)] == ["02", "03", "04"]


def test_what_one_was_writing_that_was_killed_is_removed(state: Path) -> None:
    part = state / "upgrades" / ".20261122T115900Z-from-0012.tar.gz-x"
    part.parent.mkdir()
    part.touch()
    bring_up_to_date(state)
    assert list(part.parent.iterdir()) == backups_of_upgrades(state)


def test_a_backup_that_was_damaged_is_made_again(state: Path) -> None:
    bring_up_to_date(state)
    set_back(state)
    (file,) = backups_of_upgrades(state)
    with file.open("r+b") as opened:
        opened.seek(-200, os.SEEK_END)
        opened.write(b"x")
    bring_up_to_date(state, 60)
    assert len(backups_of_upgrades(state)) == 2


def test_where_nothing_can_be_written_nothing_is_changed(state: Path) -> None:
    (state / "upgrades").touch()
    before = content(state / "updater.db")
    with pytest.raises(UpdaterError, match=r"could not be made and tried first: .*File exists: .*upgrades"):
        bring_up_to_date(state)
    assert content(state / "updater.db") == before


def test_where_there_is_no_room_for_a_backup_nothing_is_changed(state: Path) -> None:
    before = content(state / "updater.db")
    with pytest.raises(
        UpdaterError,
        match=r"could not be made and tried first: there is no room in .*state: [\d,]+ bytes may be",
    ):
        bring_up_to_date(state, free=lambda _: 1000)
    assert content(state / "updater.db") == before
    assert backups_of_upgrades(state) == []


def test_what_is_wrong_with_what_was_kept_holds_no_upgrade_up_and_is_said(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(state / "updater.db")) as connection, connection:
        connection.execute("UPDATE outcomes SET message = 'all is well'")
    bring_up_to_date(state)
    assert "the backup holds what is not as it was kept:" in caplog.text
    assert "outcomes, row 1" in caplog.text
    assert outdated(state) is None


@pytest.mark.slow
def test_killed_at_any_statement_a_database_is_as_it_was_or_brought_up_to_date(tmp_path: Path) -> None:
    """Nothing between two statements is on the disk: all of them are one transaction of SQLite."""
    pristine = restored(OLDEST, tmp_path / "pristine.db")
    before, kills = done(pristine), 0
    while True:
        path = Path(shutil.copy(pristine, tmp_path / "updater.db"))
        if not killed_at(path, kills):
            break
        kills += 1
        assert done(path) == before == [FIRST]
        if kills % 10 == 0:
            Database(path).close()
            assert flaws(path) == []
        for left in tmp_path.glob("updater.db*"):
            left.unlink()
    assert kills > len(MIGRATIONS)
    assert done(path) == sorted(KNOWN)
    assert flaws(path) == []


def killed_at(path: Path, statement: int) -> bool:
    """Open a database in a process that is killed before that statement, the first is 0; tell whether it was."""
    process = os.fork()
    if not process:
        left = [statement]

        def count(*_: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            Database(path).close()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def change_by_a_later_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO migrations VALUES ('0099 of the future', '9.1.0')")


def test_a_database_of_a_later_version_is_refused_with_both_versions_and_the_way_back(state: Path) -> None:
    bring_up_to_date(state)
    (file,) = backups_of_upgrades(state)
    later = file.with_name("20270101T000000Z-from-0099.tar.gz")
    later.touch()
    change_by_a_later_version(state / "updater.db")
    before = content(state / "updater.db")
    with pytest.raises(StoreUnavailable) as refused:
        outdated(state)
    assert str(refused.value) == (
        f"{state}/updater.db is of version 9.1.0, and this is {__version__}, which does not know its tables: install 9.1.0"
        f" again; or move updater.db and runs away and `restore {file}`, which was made before the upgrade"
    )
    assert content(state / "updater.db") == before


def test_a_backup_of_a_database_of_a_later_version_is_refused_alike(site: Site, run: Run) -> None:
    site.add_host("solo")
    site.state.mkdir()
    Database(site.state / "updater.db").close()
    change_by_a_later_version(site.state / "updater.db")
    code, _, said = run("backup", str(site.folder / "later.tar.gz"))
    assert (code, (site.folder / "later.tar.gz").exists()) == (1, False)
    assert "updater.db is of version 9.1.0, and this is" in said
    assert "or restore a backup of before the upgrade" in said


def test_a_database_that_is_locked_is_not_brought_up_to_date_without_a_backup(site: Site, run: Run) -> None:
    site.add_host("solo")
    path = site.state / "updater.db"
    restored(BEFORE, path)
    before = done(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        code, _, said = run("events")
    assert (code, "updater.db cannot be read: database is locked" in said) == (1, True)
    assert done(path) == before


def test_a_database_is_upgraded_by_its_owner_only(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    before = content(state / "updater.db")
    with pytest.raises(UpdaterError, match="belongs to another user, so run this as the operator's user"):
        bring_up_to_date(state)
    assert content(state / "updater.db") == before
    assert not (state / "upgrades").exists()


def test_an_operator_that_starts_while_a_command_upgrades_waits_for_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    site.state.mkdir()
    upgrading = hold(site.state, UPGRADING)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(hold, site.state)
        until(lambda: "waiting for its end" in caplog.text, who="operator", what="waits", deadline=20)
        upgrading.release()
        operator = waiting.result(20)
    with pytest.raises(UpdaterError, match="another operator works with"):
        hold(site.state)
    operator.release()


def test_a_command_brings_a_database_up_to_date_where_no_operator_works_and_backs_it_up_too(
    site: Site, run: Run
) -> None:
    site.add_host("solo")
    restored(BEFORE, site.state / "updater.db")
    assert run("events")[0] == 0
    assert len(backups_of_upgrades(site.state)) == 1
