"""A message tells of the run after which it became due, and nobody is said to be told where there is nobody to tell."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.activities.reconcile import send_result
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.notifications.schedule import NotificationState, SendResult
from registry_docker_updater.core.rollouts.history import RolloutState, RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import Start
from registry_docker_updater.edges.runs.playbooks import FinishedRun
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.rollouts import Store
from registry_docker_updater.views.listings import Listings
from unit.builders import HOST, NEW, NOON, OLD, at, container

WEB, DB = container("web"), container("db")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = Database(tmp_path / "updater.db")
    made = Store(database)
    made.record("production", [Push("production", "test/app", "1", NEW, NOON, "event 1", "alice")], at(1))
    yield made
    database.close()


@pytest.fixture
def start(store: Store) -> Start:
    (desired,) = store.desired({"production": (HOST,)})
    return Start(desired, (WEB, DB), ())


def attempt_ended(web: Outcome, db: Outcome) -> tuple[TargetOutcome, ...]:
    return tuple(
        TargetOutcome(target.key, target.kind, target.name, target.place, outcome, OLD)
        for target, outcome in ((WEB, web), (DB, db))
    )


def ended(start: Start, run: int, web: Outcome, db: Outcome, **more: Any) -> RunEnd:
    end = RunEnd(
        1, run, start.desired, attempt_ended(web, db), RolloutState.WAITING, at(60), None, is_news=True
    )
    return replace(end, **more)


def said(store: Store) -> tuple[Any, ...]:
    (due,) = store.notifications()
    told = store.message(due)
    assert told
    outcomes = {one["name"]: one["outcome"] for one in told["outcomes"]}
    return told["attempt"], told["started_at"], told["finished_at"], outcomes


FIRST = (
    1,
    "2026-11-22T12:00:10.000Z",
    "2026-11-22T12:00:20.000Z",
    {"web": "updated", "db": "failed"},
)


def test_a_message_that_is_sent_when_the_next_attempt_has_begun_tells_of_the_one_before(
    store: Store, start: Start
) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.FAILED), at(20))
    assert said(store) == FIRST
    store.begin_run(start, at(60))
    assert said(store) == FIRST
    store.keep_outcome(1, 2, start.desired, attempt_ended(Outcome.UPDATED, Outcome.ROLLED_BACK)[1], at(65))
    assert said(store) == FIRST


def test_a_message_still_due_when_a_later_attempt_was_no_news_or_was_superseded_tells_of_its_own(
    store: Store, start: Start
) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.FAILED), at(20))
    store.begin_run(start, at(60))
    store.end_run(ended(start, 2, Outcome.UNCHANGED, Outcome.FAILED, is_news=False), at(70))
    store.supersede([1], at(80))
    assert said(store) == FIRST


def test_news_of_a_later_attempt_take_the_place_of_a_message_not_yet_sent(store: Store, start: Start) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.FAILED), at(20))
    (first,) = store.notifications()
    store.begin_run(start, at(60))
    store.end_run(ended(start, 2, Outcome.UPDATED, Outcome.UPDATED), at(70))
    assert store.message(first) is None
    assert said(store)[::3] == (2, {"web": "updated", "db": "updated"})


def test_the_message_of_an_interrupted_attempt_does_not_say_when_another_ended(
    store: Store, start: Start
) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.FAILED, Outcome.FAILED), at(20))
    store.begin_run(start, at(60))
    store.keep_outcome(1, 2, start.desired, attempt_ended(Outcome.UPDATED, Outcome.FAILED)[0], at(65))
    store.interrupt_runs(at(90))
    assert said(store) == (2, "2026-11-22T12:01:00.000Z", None, {"web": "updated", "db": "failed"})


def test_an_attempt_that_runs_is_not_shown_with_the_end_of_the_one_before(store: Store, start: Start) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.FAILED), at(20))
    store.begin_run(start, at(60))
    row = Listings(store._database).rollout(1)
    assert (row["started_at"], row["ended_at"]) == ("2026-11-22T12:01:00.000Z", None)


def test_an_attempt_during_which_the_clock_was_set_back_did_not_end_before_it_began(
    store: Store, start: Start
) -> None:
    store.begin_run(start, at(86400))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.FAILED), at(20))
    assert said(store)[1:3] == ("2026-11-22T12:00:20.000Z", "2026-11-22T12:00:20.000Z")


def notified(status: str = "successful", **statistics: Any) -> FinishedRun:
    return FinishedRun(status, (), statistics, Path("/nowhere"))


def test_a_run_of_notify_that_used_no_channel_told_nobody_and_says_why() -> None:
    nobody = notified(notification_results={}, notification_nobody="no channel is set")
    assert send_result(nobody) == SendResult(nobody="no channel is set")
    told = notified(
        "failed", notification_results={"slack": "ok", "email": "failed: no"}, notification_nobody=""
    )
    assert send_result(told) == SendResult({"email": "failed: no"})


def test_a_run_of_notify_that_did_nothing_has_told_nobody_however_well_it_ended() -> None:
    attempt = send_result(notified())
    assert "without asking any host" in (attempt.error or "")


def test_a_rollout_of_which_nobody_is_told_says_so(store: Store, start: Start) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.UPDATED), at(20))
    (due,) = store.notifications()
    store.keep_notification(
        due, replace(due, state=NotificationState.NOBODY, due_at=None, error="no channel is set")
    )
    message = Listings(store._database).rollout(1)["message"]
    assert (message["state"], message["error"]) == ("nobody told", "no channel is set")
    assert "content" not in message
    assert store.notifications() == ()


def test_a_database_of_the_version_before_keeps_its_pushes_and_its_messages(
    store: Store, start: Start, tmp_path: Path
) -> None:
    store.begin_run(start, at(10))
    store.end_run(ended(start, 1, Outcome.UPDATED, Outcome.FAILED), at(20))
    store._database.close()
    with sqlite3.connect(tmp_path / "updater.db") as old:
        for column in (
            "newest.received_at",
            "tellings.run",
            "tellings.content",
            "hosts.unfinished",
            "hosts.engine_id",
            "hosts.engine_name",
            "hosts.containers",
        ):
            old.execute("ALTER TABLE {} DROP COLUMN {}".format(*column.split(".")))
        old.execute("PRAGMA user_version = 2")
    old.close()

    again = Store(Database(tmp_path / "updater.db"))

    assert again.desired({"production": (HOST,)}) == (start.desired,)
    assert said(again) == FIRST
    again._database.close()
