"""A state directory in which something has happened."""

from contextlib import closing
from pathlib import Path

import pytest

from integration.audit.backups import keep_run
from integration.audit.lived import live
from integration.conftest import Site
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage


@pytest.fixture
def state(site: Site) -> Path:
    """A state directory in which something of everything has happened, with three kept runs."""
    site.add_host("solo")
    site.state.mkdir()
    live(site.state / "updater.db")
    with closing(Database(site.state / "updater.db")) as database:
        for where in ("1/update-1", "1/notify-1", "repairs/repair-1"):
            keep_run(Storage(database), site.state, where)
    return site.state


@pytest.fixture
def file(site: Site) -> Path:
    return site.folder / "nightly.tar.gz"
