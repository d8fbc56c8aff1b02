"""A database at a site, before its operator has ever run, or after a rollout that failed on one of two targets."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from integration.conftest import Site
from integration.keeping import ONCE, begin, end
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, OLD, container, host, whole

APP = f"{HOST}/test/app:1"
LOG = ("mkdir /data", "  cannot work\x1b[2J")


@pytest.fixture
def store(site: Site) -> Iterator[Storage]:
    site.state.mkdir()
    database = Database(site.state / "updater.db")
    kept = Storage(database)
    yield kept
    assert not list(verify(kept))
    database.close()


@pytest.fixture
def history(store: Storage) -> Storage:
    """One push with a rollout that failed on one of two targets, and something unreadable."""
    now = datetime.now(UTC)
    push = Push("production", "test/app", "1", NEW, now, "event 1", "alice")
    store.events.record("production", [push, Unreadable("why", "what")], now)
    web, db = container("web"), container("db")
    store.fleet.apply(whole(Fleet({"solo": host("solo", now)}, {web.key: web, db.key: db})))
    begin(store, now, web, db)
    outcomes = (
        TargetOutcome(web.key, web.kind, web.name, web.place, Outcome.UPDATED, OLD, NEW),
        TargetOutcome(db.key, db.kind, db.name, db.place, Outcome.FAILED, OLD, OLD, "no space left", log=LOG),
    )
    end(store, now, *outcomes, retry=ONCE)
    return store
