"""What is removed, what stays, and that the trail holds all the same."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from integration.audit.lived import flaws, live, rows
from integration.keeping import ANN, ONCE, begin, end, ended, push, record
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.evidence import verify_all
from registry_docker_updater.activities.retention import Retention
from registry_docker_updater.core.audit.retention import KeepPolicy
from registry_docker_updater.core.events.pushes import UnresolvedPush
from registry_docker_updater.core.notifications.schedule import NotificationState
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.edges.runs.packing import RunEnd, pack
from registry_docker_updater.storage.actions import keep_leftovers, keep_message, retry_rollout
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, NEWER, NOON, at

FOREVER = KeepPolicy(None, 2**40, None)
LATER = at(10**6)


class Bare:
    """Of a context, what removing needs."""

    def __init__(self, storage: Storage, runs: Path) -> None:
        self.storage, self.runs = storage, runs

    def steady(self) -> object:
        return NOON


def remove(storage: Storage, runs: Path, policy: KeepPolicy) -> None:
    Retention(cast("Context", Bare(storage, runs)), policy, lambda: True).remove(LATER)


EVENTS = KeepPolicy(None, 2**40, timedelta(seconds=10))


def test_events_that_are_too_old_go_but_for_the_newest_of_each_tag_and_those_that_wait(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    for number in range(3):
        record(storage, push(NEW, at(number), key=f"{number}"), now=at(number))
    waiting = UnresolvedPush("production", "test/app", "2", at(4), "claimed", "bob", NEW)
    storage.events.record("production", [waiting], at(4))
    record(storage, push(NEWER, LATER, key="now", tag="3"), now=LATER)
    before = len(rows(path, "trail"))
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "events")] == [3, 4, 5]
    entries = rows(path, "trail")
    assert [
        row["event"] for row in entries if row["kind"] == "event.received" and row["content"] is None
    ] == [1, 2]
    assert len(entries) == before + 2
    assert flaws(path) == []


def test_a_rollout_goes_with_all_that_belongs_to_it_once_it_is_not_the_last_of_a_target(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    record(storage, now=at(1))
    begin(storage, at(2))
    end(storage, at(3), ended(Outcome.FAILED, after=None), retry=ONCE)
    remove(storage, tmp_path, EVENTS)
    assert len(rows(path, "rollouts")) == 1
    record(storage, push(NEWER, at(20)), now=at(20))
    begin(storage, at(21))
    end(storage, LATER, ended(Outcome.UPDATED, after=NEWER), rollout=2, digest=NEWER)
    for due in storage.notifications.due():
        keep_message(storage, due, replace(due, state=NotificationState.SENT), {}, LATER)
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "rollouts")] == [2]
    assert {row["rollout"] for table in ("outcomes", "notifications") for row in rows(path, table)} == {2}
    assert [row["id"] for row in rows(path, "events")] == [2]
    assert {
        row["content"] for row in rows(path, "trail") if row["rollout"] == 1 and row["kind"] != "team.told"
    } == {None}
    assert flaws(path) == []


@pytest.fixture
def lived(path: Path) -> Iterator[Storage]:
    live(path)
    database = Database(path)
    yield Storage(database)
    database.close()


def test_what_still_counts_stays_whatever_its_age(lived: Storage, path: Path, tmp_path: Path) -> None:
    """A rollout that a person asked for again, what waits for its registry, refusals, the last attempts."""
    before = {
        table: rows(path, table)
        for table in ("rollouts", "outcomes", "claims", "refusals", "last_attempts", "newest")
    }
    remove(lived, tmp_path, EVENTS)
    assert {table: rows(path, table) for table in before} == before
    assert flaws(path) == []
    assert retry_rollout(lived, 1, [], ANN, LATER)


def kept_run(runs: Path, where: str, age: timedelta, storage: Storage) -> Path:
    """A packed run that ended so long before :data:`LATER`, with its entry."""
    directory = runs / where
    directory.mkdir(parents=True)
    (directory / "events.jsonl").write_text('{"stdout": "said"}\n')
    ended_at = LATER - age
    manifest = pack(directory, {"playbook": "update"}, RunEnd("successful", 0, ended_at))
    os.utime(directory / "manifest.json", (ended_at.timestamp(),) * 2)
    keep_leftovers(storage, [(where, manifest)], ended_at)
    return directory


def there(runs: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(runs)) for path in runs.glob("*/*/manifest.json"))


def test_runs_that_are_too_old_go_and_the_trail_says_so(storage: Storage, path: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for where, days in (
        ("7/update-1", 100),
        ("7/notify-1", 100),
        ("8/update-1", 10),
        ("repairs/repair-1", 91),
    ):
        kept_run(runs, where, timedelta(days=days), storage)
    remove(storage, runs, KeepPolicy(timedelta(days=90), 2**40, None))
    assert there(runs) == ["8/update-1"]
    assert not (runs / "7").exists()
    assert list(verify_all(storage, runs, LATER)) == []
    assert flaws(path) == []


def test_the_oldest_runs_go_until_there_is_room(storage: Storage, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    sizes = [
        sum(
            file.stat().st_size
            for file in kept_run(runs, f"{number}/update-1", timedelta(days=number), storage).iterdir()
        )
        for number in range(1, 5)
    ]
    remove(storage, runs, KeepPolicy(None, sum(sizes[:2]), None))
    assert there(runs) == ["1/update-1", "2/update-1"]
    assert list(verify_all(storage, runs, LATER)) == []


def test_the_runs_of_the_last_attempt_on_a_target_stay(storage: Storage, tmp_path: Path) -> None:
    record(storage, now=at(1))
    begin(storage, at(2))
    end(storage, at(3), ended(Outcome.UPDATED))
    runs = tmp_path / "runs"
    kept_run(runs, "1/update-1", timedelta(days=100), storage)
    kept_run(runs, "9/update-1", timedelta(days=100), storage)
    remove(storage, runs, KeepPolicy(timedelta(days=90), 0, None))
    assert there(runs) == ["1/update-1"]


def test_a_run_that_was_to_go_when_the_operator_was_killed_goes_the_next_time(
    storage: Storage, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    directory = kept_run(runs, "7/update-1", timedelta(days=100), storage)
    storage.retention.note_runs(["7/update-1"], LATER)
    assert list(verify_all(storage, runs, LATER)) == []
    directory.rename(directory.with_name(".update-1.removed"))
    remove(storage, runs, KeepPolicy(timedelta(days=90), 2**40, None))
    assert not list((runs / "7").iterdir())
    assert list(verify_all(storage, runs, LATER)) == []


def test_what_is_kept_for_ever_stays(lived: Storage, path: Path, tmp_path: Path) -> None:
    before = rows(path, "trail")
    remove(lived, tmp_path, FOREVER)
    assert rows(path, "trail") == before
