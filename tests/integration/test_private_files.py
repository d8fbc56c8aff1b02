"""Nobody but the operator's user can read what it keeps, whoever made the folder, and with whatever umask."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from integration.conftest import Run, Site, until
from registry_docker_updater.clock import utc_now
from registry_docker_updater.edges.link_key import LINK_KEY
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings.loading import load
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.standing import standing_of

pytestmark = pytest.mark.slow

FILES = ("updater.db", "updater.db-wal", "updater.db-shm")


@pytest.fixture(params=[0o000, 0o022, 0o377])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_a_database_that_is_made_is_for_its_owner_alone(path: Path) -> None:
    with closing(Database(path)):
        assert {name: rights(path.with_name(name)) for name in FILES} == dict.fromkeys(FILES, 0o600)


def test_a_database_that_was_made_with_rights_for_all_is_narrowed_when_it_is_opened(path: Path) -> None:
    with closing(Database(path)):
        for name in FILES:
            path.with_name(name).chmod(0o644)
        with closing(Database(path)):
            assert {name: rights(path.with_name(name)) for name in FILES} == dict.fromkeys(FILES, 0o600)


def test_a_state_directory_that_systemd_made_is_narrowed_with_its_lock(site: Site, run: Run) -> None:
    site.state.mkdir()
    site.state.chmod(0o755)
    (site.state / "operator.lock").touch()
    (site.state / "operator.lock").chmod(0o644)
    assert run("events")[0] == 0
    assert (rights(site.state), rights(site.state / "operator.lock")) == (0o700, 0o600)


def test_a_key_of_links_that_others_can_read_is_narrowed_before_it_signs_any(site: Site) -> None:
    parts = Parts(load(site.config), site.config, os.environ, utc_now)
    key = parts.state / LINK_KEY
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    assert parts.link_key == b"k" * 32
    assert rights(key) == 0o600


def test_a_state_directory_that_is_a_link_is_narrowed_where_it_leads(site: Site, run: Run) -> None:
    """As that of a dynamic user of systemd's is."""
    (site.folder / "private").mkdir(mode=0o755)
    site.state.symlink_to(site.folder / "private")
    assert run("events")[0] == 0
    assert rights(site.folder / "private") == 0o700


def test_a_link_in_the_state_directory_changes_no_rights_elsewhere(site: Site, run: Run) -> None:
    """Root's command, where the operator's user made the link."""
    site.state.mkdir()
    (site.folder / "elsewhere").touch()
    (site.folder / "elsewhere").chmod(0o644)
    (site.state / "operator.lock").symlink_to(site.folder / "elsewhere")
    run("events")
    assert rights(site.folder / "elsewhere") == 0o644


def test_what_another_user_has_to_close_stops_no_command_and_is_said_with_the_remedy(
    site: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add_host("solo")
    site.state.mkdir()
    site.state.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 12345)
        code, out, _ = run("check")
    assert code == 0
    assert f"note: state_directory: {site.state} is open to others (mode 0755)" in out
    assert f"chmod 0700 {site.state}" in out
    assert rights(site.state) == 0o755
    assert "is open to others" not in run("check")[1]


def test_root_makes_no_database_that_the_operator_could_not_open(
    site: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the operator itself may be root where the directory is of another user."""
    site.add_host("solo")
    site.state.mkdir()
    if os.geteuid() == 0:
        os.chown(site.state, 12345, 12345)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for command in (("check",), ("fleet",), ("rollouts",)):
        code, out, said = run(*command)
        assert code == 1
        assert f"state_directory: {site.state} belongs to another user" in out + said
        assert "run this as the operator's user" in out + said
    assert list(site.state.iterdir()) == []


def test_a_database_of_another_user_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read all, so what cannot be opened is a folder, and that it is not allowed is played."""
    (tmp_path / "updater.db").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreUnavailable, match=f"give it to the operator's user: it is of {os.geteuid()}"):
        standing_of(tmp_path / "updater.db", ())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give something away")
def test_serve_says_once_that_others_can_read_what_it_cannot_close(site: Site) -> None:
    site.add_host("solo")
    site.state.mkdir()
    os.chown(site.state, 12345, 12345)
    site.state.chmod(0o755)
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
    assert operator.log.read_text().count("is open to others") == 1
    assert f"chmod 0700 {site.state}" in operator.log.read_text()
