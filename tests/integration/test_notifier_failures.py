"""Nothing is lost, told twice or told late when channels fail, threads race, and the database does not answer."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.keeping import HOSTS, RETRY, ended, push, record
from integration.keeping import end as end_run
from integration.office import HOUR, Office
from registry_docker_updater.activities import notify
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, Topic
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.messages import keep_sent
from registry_docker_updater.storage.retention import RetentionStore
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.messages import receivers as receiver_rows
from unit.builders import NEW, OLD, container

pytestmark = pytest.mark.slow


@pytest.fixture
def office(storage: Storage, tmp_path: Path) -> Office:
    return Office(storage, tmp_path)


def topics(office: Office) -> list[list[str]]:
    return [[one["topic"] for one in message["items"]] for message in office.team.messages]


def begin(office: Office) -> None:
    """Have another run of the first rollout begin."""
    desired = office.store.events.desired(HOSTS)[0]
    start = Start(desired, (container(),), ())
    office.notifier.began(actions.begin_run(office.store, start, office.now), start, office.now)


def held(office: Office) -> Callable[[], None]:
    """Have what is due begin to be sent; return what ends that."""
    office.notifier.reconcile(office.now, ())
    (task,) = office.tasks
    office.tasks.clear()
    return task


def test_a_rollout_that_is_given_up_waits_for_a_person_who_is_told(office: Office) -> None:
    record(office.store, push(tag="1", when=office.now), now=office.now)
    for _ in range(2):
        begin(office)
        outcome = ended(Outcome.FAILED, container().key, OLD)
        end_run(office.store, office.now, outcome, retry=RetryPolicy(RETRY.backoff, 2))
        office.look(120)
    assert topics(office) == [["update failed"], ["waiting for a person"]]
    assert "`retry 1`" in office.team.messages[1]["items"][0]["waits_for"]


def test_that_a_run_began_takes_no_failure_away_that_nobody_was_told_of(
    storage: Storage, tmp_path: Path
) -> None:
    eager = Receiver("default", Gets.EVERYTHING, (*USUAL_TOPICS, Topic.STARTED))
    office = Office(storage, tmp_path, Receivers({"default": eager}))
    office.team.answer = lambda _: "failed: refused"
    office.roll_out(Outcome.FAILED)
    office.look()
    office.now += timedelta(seconds=5)
    begin(office)
    office.look()
    end_run(office.store, office.now, ended(Outcome.FAILED, container().key, OLD), retry=RETRY)
    office.team.answer = lambda _: "ok"
    office.team.messages.clear()
    office.keep_looking(HOUR)
    assert "update failed" in {topic for message in topics(office) for topic in message}


def test_that_a_beginning_cannot_be_kept_keeps_no_run_from_going_on(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager = Receiver("default", Gets.EVERYTHING, (Topic.STARTED,))
    office = Office(storage, tmp_path, Receivers({"default": eager}))
    record(office.store, now=office.now)

    def fails(*_: object) -> None:
        raise StoreUnavailable("locked")

    monkeypatch.setattr(notify, "keep_start", fails)
    begin(office)
    assert storage.news.unrouted(1) == ()


def test_a_message_that_a_thread_has_just_sent_is_not_sent_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.roll_out(Outcome.UPDATED)
    task, read = held(office), office.store.notifications.due

    def due() -> Any:
        found = read()
        monkeypatch.undo()
        # It ends between what is read and what is made of that.
        task()
        return found

    monkeypatch.setattr(office.store.notifications, "due", due)
    office.look(1)
    assert office.team.rollouts == [[1]]


def test_a_failure_that_was_being_told_is_not_told_after_its_end(office: Office) -> None:
    office.team.answer = lambda _: "failed: timeout"
    office.roll_out(Outcome.FAILED)
    task = held(office)
    office.roll_out(Outcome.UPDATED, rollout=1)
    office.now += timedelta(seconds=5)
    office.notifier.reconcile(office.now, ())
    task()
    office.team.answer = lambda _: "ok"
    office.team.messages.clear()
    office.keep_looking(HOUR)
    assert [
        (one["topic"], one["recovered"]) for message in office.team.messages for one in message["items"]
    ] == [("image updated", True)]


def test_a_channel_that_works_again_is_shown_as_one_that_does(office: Office) -> None:
    office.team.answer = lambda name: "ok" if name == "email" else "failed: HTTP 503"
    for number in range(2):
        office.roll_out(Outcome.UPDATED)
        office.keep_looking(number * 600 + 599)
    office.team.answer = lambda _: "ok"
    office.keep_looking(2 * HOUR)
    (default,) = receiver_rows(office.store, Receivers())
    assert [one["is_working"] for one in default["channels"]] == [True, True]


@pytest.mark.parametrize("times", [1, 20])
def test_what_was_sent_is_not_sent_again_while_the_database_does_not_take_that_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    office.roll_out(Outcome.UPDATED)
    left = [times]

    def fails(*given: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise StoreUnavailable("disk full")
        keep_sent(*given, **more)

    monkeypatch.setattr(notify, "keep_sent", fails)
    for _ in range(times + 2):
        office.look(1)
    assert office.team.rollouts == [[1]]
    assert office.store.notifications.due() == ()
    office.roll_out(Outcome.UPDATED)
    office.look()
    assert office.team.rollouts == [[1], [2]], "the receiver is told of what comes next"


def test_messages_that_become_one_are_sent_when_the_last_of_them_may_be(office: Office) -> None:
    office.team.answer = lambda _: "failed: HTTP 503"
    office.roll_out(Outcome.UPDATED)
    office.look()
    office.team.answer = lambda _: "failed: HTTP 429"
    office.team.asked_to_wait = {"slack": HOUR, "email": HOUR}
    office.roll_out(Outcome.UPDATED)
    office.look(1)
    office.team.messages.clear()
    office.keep_looking(HOUR)
    assert office.team.messages == []


def test_a_storm_is_told_in_messages_that_can_be_rendered(office: Office) -> None:
    office.running = {9999}
    for _ in range(210):
        office.roll_out(Outcome.UPDATED)
    office.look(1)
    office.running = set()
    office.look(1)
    office.look(1)
    assert [len(one) for one in office.team.rollouts] == [200, 10]


def test_an_attempt_in_vain_is_one_entry_and_not_one_a_rollout(office: Office) -> None:
    office.team.answer = lambda _: "failed: HTTP 503"
    office.running = {9999}
    for _ in range(5):
        office.roll_out(Outcome.UPDATED)
    office.look(1)
    office.running = set()
    office.keep_looking(600)
    kinds = [one.kind for one in office.store.trail.entries(0)]
    assert kinds.count("team.not_told") == 5 + len(office.team.messages) - 1


def test_a_message_whose_channels_are_gone_says_that_nobody_has_it(office: Office) -> None:
    office.team.answer = lambda _: "failed: HTTP 404"
    office.roll_out(Outcome.UPDATED)
    office.look()
    office.team.channels_left = False
    office.look(60)
    (message,) = office.store.notifications.newest(1)
    assert (message.state, message.error) == (MessageState.NOBODY, "no channel is set")


def test_that_a_repair_made_a_target_well_is_told_as_the_end_of_its_failure(
    storage: Storage, tmp_path: Path
) -> None:
    only_failures = Receiver("default", Gets.EVERYTHING, (Topic.UPDATE_FAILED,))
    office = Office(storage, tmp_path, Receivers({"default": only_failures}))
    office.roll_out(Outcome.FAILED)
    office.look()
    office.now += timedelta(seconds=5)
    actions.keep_repair(storage, NEW, ended(Outcome.UPDATED, container().key, NEW), office.now)
    office.look()
    assert [message["items"][0]["recovered"] for message in office.team.messages] == [False, True]


def test_nothing_is_left_of_messages_whose_rollouts_are_removed(office: Office, path: Path) -> None:
    office.team.answer = lambda _: "failed: HTTP 503"
    for _ in range(6):
        office.roll_out(Outcome.UPDATED)
        office.look(1)
    office.team.answer = lambda _: "ok"
    office.keep_looking(2 * HOUR)
    office.roll_out(Outcome.UPDATED)
    office.look(1)
    later = office.now + timedelta(days=400)
    while RetentionStore(Database(path)).remove_rollouts(later, later):
        pass
    with sqlite3.connect(path) as connection:
        orphans = "SELECT id FROM messages WHERE id NOT IN (SELECT message FROM message_items)"
        rows = connection.execute(orphans).fetchall()
        assert rows == []
