"""Whether the operator can keep what it is sent: said by ``/readyz``, and by the answer to every event."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Running, Site, until
from integration.test_operator import APP, event
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage


def removed(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    """As a restored backup would be put there."""
    other = path.with_name("other")
    shutil.copyfile(path, other)
    other.rename(path)


@pytest.mark.parametrize("name", ["updater.db", "updater.db-wal", "operator.lock"])
@pytest.mark.parametrize("happened", [removed, replaced])
def test_a_file_that_is_taken_away_under_the_operator_is_noticed_and_nothing_passes_for_kept(
    site: Site, name: str, happened: Callable[[Path], None]
) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        until(lambda: ready(operator)[0] == 200)
        assert operator.ask("POST", "/events/production", event(number=1))[0] == 202
        happened(site.state / name)
        status, why = ready(operator)
        assert status == 503
        assert why["status"].startswith(f"{site.state / name} was {happened.__name__}")
        for number in range(2, 6):
            status, content = operator.ask("POST", "/events/production", event(number=number))
            assert (status, content) == (503, {"error": "not stored; send it again"})
    assert f"{name} was {happened.__name__}" in operator.log.read_text()
    assert "Traceback" not in operator.log.read_text()


def test_after_a_restart_what_was_refused_is_taken(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        until(lambda: ready(operator)[0] == 200)
        removed(site.state / "updater.db")
        assert operator.ask("POST", "/events/production", event())[0] == 503
    with site.operator() as operator:
        until(lambda: ready(operator)[0] == 200)
        assert operator.ask("POST", "/events/production", event())[1]["accepted"] == 1


def test_readiness_follows_the_last_write_and_comes_back_without_an_event(site: Site) -> None:
    """The database is locked, which a full disk and a read-only one are like."""
    site.add_host("solo", APP)
    with site.operator() as operator:
        until(lambda: operator.get("/api/fleet")["hosts"])
        database = Database(site.state / "updater.db")
        with database.writing():
            assert operator.ask("POST", "/events/production", event())[0] == 503
            status, why = ready(operator)
            assert status == 503
            assert "database is locked" in why["status"]
        until(lambda: ready(operator)[0] == 200)
        assert operator.ask("POST", "/events/production", event())[0] == 202
        database.close()


def test_a_database_that_is_the_same_after_all_is_never_in_doubt(tmp_path: Path) -> None:
    """Other processes come and go, its log is emptied, and connections are closed."""
    path = tmp_path / "updater.db"
    database = Database(path)
    for _ in range(3):
        other = Database(path)
        other.probe()
        with other.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        database.probe()
        assert database.trouble() is None
    database.close()


def test_nothing_is_written_while_a_guard_says_no(tmp_path: Path) -> None:
    said: list[str | None] = [None]
    database = Database(tmp_path / "updater.db", guard=lambda: said[-1])
    said.append("the lock is gone")
    assert database.trouble() == "the lock is gone"
    with pytest.raises(StoreUnavailable, match="the lock is gone"):
        Storage(database).overrides.note_retry(1, "somebody", None)  # type: ignore[arg-type]
    said.append(None)
    assert database.trouble() is None
    database.close()


def ready(operator: Running) -> tuple[int, Any]:
    return operator.ask("GET", "/readyz")
