"""Whether the operator can keep what it is sent, and start runs: said by ``/readyz``, and by the answer to every event."""

import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration.conftest import Running, Site, until
from integration.shops import MINUTE, Shop
from integration.test_operator import APP, ended_rollouts, event, scanned
from integration.test_settings_again import change
from registry_docker_updater.edges.runs import forks
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.errors import StoreUnavailable, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage

pytestmark = pytest.mark.slow

FAILS = "ERROR no run can be started: "


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
        assert why["status"].startswith(
            f"events cannot be committed: {site.state / name} was {happened.__name__}"
        )
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


def test_while_nothing_is_there_to_start_runs_from_the_operator_is_not_ready_and_then_is_by_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = site.folder / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    site.add_host("solo", APP)
    # What fails again is logged again.
    change(site, lambda all_: all_.update(log={"level": "debug"}))
    with site.operator() as operator:
        until(lambda: ready(operator)[0] == 200)
        scanned(operator)
        shutil.rmtree(temporary)
        fork_server(operator).send_signal(signal.SIGKILL)
        until(lambda: ready(operator)[0] == 503)
        until(lambda: "No such file or directory" in ready(operator)[1]["status"])
        assert ready(operator)[1]["status"].startswith(
            "runs cannot be started: the fork server cannot be started: "
        )
        # Nothing is begun that would fail, and count as an attempt, however often it is looked for what is due.
        assert operator.ask("POST", "/events/production", event())[0] == 202
        tried = operator.log.read_text().count(FAILS)
        until(lambda: operator.log.read_text().count(FAILS) > tried + 1)
        assert operator.get("/api/rollouts") == []
        temporary.mkdir()
        until(lambda: ready(operator)[0] == 200)
        (row,) = until(lambda: ended_rollouts(operator))
        assert row["attempts"] == 1


def test_a_fork_server_that_was_killed_is_started_again_without_a_run(site: Site) -> None:
    site.add_host("solo")
    with site.operator() as operator:
        until(lambda: ready(operator)[0] == 200)
        scanned(operator)
        killed = fork_server(operator)
        killed.send_signal(signal.SIGKILL)
        other = until(lambda: (found := fork_server(operator)) != killed and found)
        until(lambda: ready(operator)[0] == 200)
        assert fork_server(operator) == other


def test_what_ends_before_it_can_fork_is_named_with_how_it_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    playbooks = shop.playbooks
    assert "the fork server is starting; where that goes on for minutes, see" in str(playbooks.trouble())
    monkeypatch.setattr(forks, "_MODULE", "no_such_module")
    playbooks.probe()
    until(lambda: "ended with 1 before it could fork anything" in str(playbooks.trouble()))
    with pytest.raises(UpdaterError, match=r"no run can be started: the fork server .* ended with 1"):
        playbooks.probe()
    monkeypatch.undo()
    until(lambda: not _probe_fails(playbooks.probe) and playbooks.trouble() is None)
    shop.write("asks", "    - ansible.builtin.debug: {msg: said}\n")
    assert playbooks.run(Playbook("asks"), shop.runs, MINUTE).status == "successful"
    playbooks.stop()
    playbooks.probe()
    assert playbooks.trouble() is None


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


def _probe_fails(probe: Callable[[], None]) -> bool:
    try:
        probe()
    except UpdaterError:
        return True
    return False


def fork_server(operator: Running) -> psutil.Process:
    """The process that runs are started from, once there is one."""
    found: psutil.Process = until(partial(_fork_server, operator))
    return found


def _fork_server(operator: Running) -> psutil.Process | None:
    for one in psutil.Process(operator.process.pid).children():
        with suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE and one.cmdline()[:1] == [
                "registry-docker-updater fork server"
            ]:
                return one
    return None


def ready(operator: Running) -> tuple[int, Any]:
    return operator.ask("GET", "/readyz")
